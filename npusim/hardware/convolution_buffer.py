"""What must go together in the description of a convolution buffer: NVDLA's fixed loop order.

Direct convolution, a port shared in turn, banks split between inputs and weights, and outputs that
pass SRAM by are fields of several sections. These checks name what does not fit together, and what
to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware

Mistake = tuple[str, str]


def buffer_problems(hardware: Hardware) -> Iterator[Mistake]:
    """(dotted key, what is wrong and what to change) of all such fields."""
    direct = "direct_convolution" in hardware.mac_array.dataflows
    if direct:
        yield from _of_direct_convolution(hardware)
    stage = hardware.output_stage
    if stage.burst_rate_per_cycle is not None and not direct:
        yield "output_stage.burst_rate", "belongs to the dataflow direct_convolution: remove it"
    if stage.writes == "memory":
        if not direct or hardware.dma.arbitration != "round_robin":
            yield (
                "output_stage.writes", "memory needs mac_array.dataflows: [direct_convolution] and "
                "dma.arbitration: round_robin; otherwise write sram",
            )  # fmt: skip
        if hardware.memory.dram.read_only:
            yield "output_stage.writes", "memory is read-only (memory.dram.read_only): write sram"
    if hardware.dma.arbitration != "round_robin":
        yield from _of_ordered_loads(hardware)
    yield from _of_banks(hardware)


def _of_direct_convolution(hardware: Hardware) -> Iterator[Mistake]:
    array, stage = hardware.mac_array, hardware.output_stage
    if len(array.dataflows) > 1:
        what = "direct_convolution is a fixed loop order: list no other dataflow beside it"
        yield "mac_array.dataflows", what
    weight_rate = array.weight_rate_per_cycle or array.cols
    if weight_rate < array.rows or not array.overlap.weight_load:
        yield (
            "mac_array.weight_rate", f"direct_convolution loads weights behind {array.cols} "
            f"pixels: set {array.rows} weights/cycle or more, and overlap.weight_load: true",
        )  # fmt: skip
    for pair, precision in array.precisions.items():
        if precision is not None and precision.rate > 1:
            what = f"direct_convolution takes one pixel a cycle at most: {pair} cannot exceed 1"
            yield "mac_array.precisions", what
    if stage.per_op:
        yield "output_stage.per_op", "direct_convolution has one rate: set output_stage.rate"
    burst_rate = stage.burst_rate_per_cycle
    if burst_rate is not None and burst_rate < stage.elements_per_cycle:
        what = f"is less than rate = {stage.elements_per_cycle:g} elements/cycle: set that or more"
        yield "output_stage.burst_rate", what


def _of_ordered_loads(hardware: Hardware) -> Iterator[Mistake]:
    change = "needs dma.arbitration: round_robin: set that, or remove it"
    if hardware.mac_array.overlap.layers:
        yield "mac_array.overlap.layers", change
    if hardware.dma.outstanding_weights is not None:
        yield "dma.outstanding_weights", change
    if hardware.mapping.data_banks is not None:
        yield "mapping.data_banks", change


def _of_banks(hardware: Hardware) -> Iterator[Mistake]:
    data, weights = hardware.mapping.data_banks, hardware.mapping.weight_banks
    sram = hardware.memory.sram
    if data is None:
        if weights is not None:
            yield "mapping.weight_banks", "has no meaning without data_banks: set it, or auto"
        return
    if sram.holds != ("inputs",):
        yield (
            "mapping.data_banks",
            "a split buffer keeps no tensors: set memory.sram.holds: [inputs]",
        )
    if (1 if data == "auto" else data) + (weights or 1) > sram.banks:
        yield (
            "mapping.data_banks", f"{data} for inputs and {weights or 1} or more for weights are "
            f"more than the {sram.banks} banks of memory.sram: take fewer",
        )  # fmt: skip
