"""Fields of a convolution buffer that do not go together are refused with what to change."""

from __future__ import annotations

import pytest

from npusim.errors import DescriptionError
from npusim.hardware import load_hardware

NEEDS_TURNS = "needs dma.arbitration: round_robin"


@pytest.mark.parametrize(
    ("preset", "override", "words"),
    [
        ("nvdla-nv-small", "mac_array.dataflows=[direct_convolution, depth_first]", "no other"),
        ("nvdla-nv-small", "mac_array.weight_rate=4 weights/cycle", "set 8 weights/cycle or more"),
        ("nvdla-nv-small", "mac_array.overlap.weight_load=false", "overlap.weight_load: true"),
        ("nvdla-nv-small", "mac_array.precisions.int8*int8=2", "int8*int8 cannot exceed 1"),
        ("nvdla-nv-small", "output_stage.burst_rate=0.5 elements/cycle", "is less than rate"),
        ("nvdla-nv-small", "dma.arbitration=in_order", NEEDS_TURNS),
        (
            "nvdla-nv-small",
            "memory.sram.holds=[inputs, outputs]",
            "set memory.sram.holds: [inputs]",
        ),
        ("nvdla-nv-small", "mapping.data_banks=32", "more than the 32 banks"),
        ("nvdla-nv-small", "mapping.weight_banks=32", "more than the 32 banks"),
        ("nvdla-nv-small", "memory.dram.read_only=true", "write sram"),
        ("edge-npu-1", "output_stage.writes=memory", "otherwise write sram"),
        ("edge-npu-1", "output_stage.burst_rate=8 elements/cycle", "direct_convolution"),
        ("edge-npu-1", "mac_array.overlap.layers=true", NEEDS_TURNS),
        ("edge-npu-1", "dma.outstanding_weights=4", NEEDS_TURNS),
        ("edge-npu-1", "mapping.data_banks=auto", NEEDS_TURNS),
        ("edge-npu-1", "mapping.weight_banks=2", "without data_banks"),
    ],
)
def test_what_does_not_fit_together_is_refused(preset: str, override: str, words: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_hardware(preset, [override])
    assert words in str(caught.value)
