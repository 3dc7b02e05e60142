"""Descriptions of row-stationary arrays: what is refused, and what the message says to change."""

from __future__ import annotations

import pytest

from npusim.errors import DescriptionError
from npusim.hardware.loader import load_hardware

ENTRIES = (
    "{filter_entries: 224, input_entries: 12, sum_entries: 24, inputs: 1 elements/cycle, "
    "sums: 4 elements/cycle, sum_bits: 16}"
)


@pytest.mark.parametrize(
    ("preset", "override", "message"),
    [
        ("eyeriss-v1", "mac_array.row_stationary=null", "needs its scratchpads and networks"),
        ("eyeriss-v1", "mac_array.row_stationary=null", "state filter_entries, input_entries"),
        ("ethos-u55-128", f"mac_array.row_stationary={ENTRIES}", "has no meaning in a dot_product"),
        ("tpu-like-128", f"mac_array.row_stationary={ENTRIES}", "has no meaning in a systolic"),
        ("eyeriss-v1", "mac_array.dataflows=[weight_stationary]", "a row_stationary array has no"),
        ("eyeriss-v1", "mac_array.tap_block=4", "no meaning in a row_stationary array"),
        ("eyeriss-v1", "mac_array.row_stationary.sum_bits=4", "at least 8"),
        ("eyeriss-v1", "mac_array.row_stationary.sum_entries=0", "at least 1"),
        ("eyeriss-v1", "cores=2", "modelled on one core, not on 2: set 1"),
        ("eyeriss-v1", "technology.static=null", "state technology.static"),
        ("tpu-like-128", "mapping.mapper=movement_energy", "remove it, or set that style"),
        ("eyeriss-v1", "memory.sram.weight_part=108 KiB", "leaves nothing of 110592 bytes"),
        ("eyeriss-v1", "memory.layout.order=hcw", "set channel_block"),
        ("eyeriss-v1", "dma.run_length.run_bits=0", "at least 1"),
    ],
)
def test_what_cannot_be_is_refused(preset: str, override: str, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_hardware(preset, [override])
    assert message in str(caught.value)


def test_without_the_mapper_no_figure_is_needed() -> None:
    plain = load_hardware("eyeriss-v1", ["mapping.mapper=null", "technology.static=null"])
    assert plain.technology.static_w is None
