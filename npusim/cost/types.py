"""The numbers that pass between the cost functions; all cycles are cycles of the NPU clock."""

from __future__ import annotations

from typing import NamedTuple

from npusim.jit import compiled


class Extents(NamedTuple):
    """Loop extents of a tile: batch, groups, output and input channels a group, pixels, taps."""

    b: int
    g: int
    k: int
    c: int
    oy: int
    ox: int
    fy: int
    fx: int


class ArrayParams(NamedTuple):
    """The MAC array of one core, and how many cores there are.

    `rows` is the reduction width, `cols` the output channels, `pixels_y` x `pixels_x` the output
    pixels side by side. `weight_rate` is weights per cycle into the weight registers;
    `macs_per_unit` is MACs per unit and cycle in the number formats of the step.
    """

    rows: int
    cols: int
    pixels_y: int
    pixels_x: int
    cores: int
    hide_weight_load: bool
    hide_drain: bool
    weight_rate: float
    channel_block: int
    tap_block: int
    pipeline_delay: int
    max_taps_y: int
    max_taps_x: int
    accumulators: int
    macs_per_unit: float


@compiled
def at_rate(array: ArrayParams, macs_per_unit: float) -> ArrayParams:
    """`array` in number formats of that rate."""
    return ArrayParams(
        array.rows, array.cols, array.pixels_y, array.pixels_x, array.cores,
        array.hide_weight_load, array.hide_drain, array.weight_rate, array.channel_block,
        array.tap_block, array.pipeline_delay, array.max_taps_y, array.max_taps_x,
        array.accumulators, macs_per_unit,
    )  # fmt: skip


class TileCost(NamedTuple):
    """What one tile costs on the array.

    `occupied` cycles hold the array; of these `fill` are fill, drain and pipeline delay and
    `weight_load` are weight loads that nothing hid. The first outputs leave `first_output` cycles
    after the start; the last ones `tail` cycles after the end. `weight_lead` cycles must pass
    between the arrival of new weights and the start. `input_reads` and `weight_reads` are elements
    read from SRAM.
    """

    occupied: int
    fill: int
    weight_load: int
    first_output: int
    tail: int
    weight_lead: int
    input_reads: int
    weight_reads: int
