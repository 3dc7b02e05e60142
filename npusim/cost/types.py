"""The numbers that pass between the cost functions; all cycles are cycles of the NPU clock."""

from __future__ import annotations

from typing import NamedTuple


class Extents(NamedTuple):
    """A tile: extents of its loops, `macs_per_unit`, MACs per unit and cycle in its formats, and
    the strides and dilations of its window.

    Loops are batch, groups, output and input channels a group, output pixels, taps.
    """

    b: int
    g: int
    k: int
    c: int
    oy: int
    ox: int
    fy: int
    fx: int
    macs_per_unit: float
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int


class ArrayParams(NamedTuple):
    """The MAC array of one core, and how many cores there are.

    `rows` is the reduction width, `cols` the output channels, `pixels_y` x `pixels_x` the output
    pixels side by side. `weight_rate` is weights per cycle into the weight registers. Sums leave an
    output-stationary array in `drain_beats` cycles, all at their end if `drain_whole`.
    `multicast` says whether one read of SRAM serves all cores.
    `weight_sets` and `port_rate` (elements per cycle into a core) are those of `in_memory`. A tile
    of direct convolution starts `start_delay` cycles after its operands arrived; its last outputs
    leave `output_delay` cycles after its last MAC, at `output_rate` elements a cycle, and full
    stripes of them `output_gap` cycles apart.
    Scratchpads of a row-stationary element hold `filter_entries`, `input_entries` and `sum_entries`
    words; `input_rate` and `sum_rate` are words per cycle between SRAM and array, sums each way.
    Partial sums that wait in SRAM have `sum_bits` there; 0: they stay in the accumulators.
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
    drain_beats: int
    drain_whole: bool
    load_idle_rows: bool
    weight_sets: int
    port_rate: float
    multicast: bool
    start_delay: int
    output_delay: int
    output_rate: float
    output_gap: float
    filter_entries: int
    input_entries: int
    sum_entries: int
    input_rate: float
    sum_rate: float
    sum_bits: int
    clip_channel_block: bool


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
