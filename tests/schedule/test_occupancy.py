"""SRAM during each step: the parts by hand, and the peak that the scheduler states."""

from __future__ import annotations

import pytest

from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_model_path
from npusim.schedule.occupancy import occupancy_of
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import latency_cycles
from tests.support.counted import conv_graph, hardware_of
from tests.support.shared import shared_path


def _program(graph: Graph, preset: str, *overrides: str) -> Program:
    return build_program(graph, hardware_of(*overrides, preset=preset), latency_cycles)


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
@pytest.mark.parametrize("override", ["clock=400 MHz", "memory.sram.size=96 KiB"])
def test_the_largest_is_the_peak_of_the_schedule(preset: str, override: str) -> None:
    for graph in (conv_graph(), load_model(bundled_model_path())):
        program = _program(graph, preset, override)
        uses = occupancy_of(program)
        assert len(uses) == len(program.steps)
        assert max(use.total_bytes for use in uses) == program.sram_peak_bytes


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
def test_the_largest_is_the_peak_on_a_real_network(preset: str) -> None:
    path = shared_path("data", "models", "mlperf_tiny_vww_96_int8.tflite")
    program = _program(load_model(path), preset)
    uses = occupancy_of(program)
    assert max(use.total_bytes for use in uses) == program.sram_peak_bytes
    assert all(min(vars(use).values()) >= 0 for use in uses)


def test_parts_by_hand() -> None:
    """8x8x16 feature maps of 1 KiB; 3x3x16x16 weights of 2304 B and a bias of 64 B."""
    first, second, _ = occupancy_of(_program(conv_graph(), "edge-npu-1"))
    assert first.weights_bytes == 3 * 3 * 16 * 16 + 4 * 16
    assert first.tensors_bytes == second.tensors_bytes == 1024  # `mid`; the ends are in DRAM
    assert first.buffers_bytes >= 1024  # the input, whole or in two halves at least
    assert second.early_weights_bytes == 0
