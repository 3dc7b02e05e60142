"""What does not fit is refused by name, with the bytes or accumulators needed and those there."""

from __future__ import annotations

import pytest

from npusim.errors import DoesNotFitError, UsageError
from npusim.hardware import Hardware, load_hardware
from npusim.ir.graph import Graph
from npusim.schedule.fixed import Mapping, StepMapping
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import latency_cycles
from tests.support.counted import conv_graph
from tests.support.machines import tiny
from tests.support.mappings import read

HEAD = "npusim: mapping/1\n"
EDGE = load_hardware("edge-npu-1")


def _refusal(text: str, graph: Graph, hardware: Hardware) -> tuple[str, str]:
    mapping = read(HEAD + text, graph, hardware)
    with pytest.raises(DoesNotFitError) as caught:
        build_program(graph, hardware, latency_cycles, mapping=mapping)
    (problem,) = caught.value.problems
    assert caught.value.exit_code == 1
    return problem.where, problem.what


def test_a_tile_larger_than_sram_is_refused_with_both_sizes() -> None:
    """8 x 8 x 16 bytes in and out, 16 x 16 x 9 of weights, 16 biases of 4: one buffer each."""
    needed = 1024 + 1024 + 2304 + 64
    whole = "steps: [{name: conv, tile: {B: 1, G: 1, K: 16, C: 16, OY: 8, OX: 8}}]\nresident: []"
    hardware = tiny(memory__sram__size=f"{needed - 1} B")
    assert _refusal(whole, conv_graph(), hardware) == (
        "conv",
        f"the tile of the mapping needs {needed} bytes of SRAM, edge-npu-1 has {needed - 1}: make "
        "the tile smaller (B 1, G 1, K 16, C 16, OY 8, OX 8), or raise memory.sram.size or allow "
        "smaller tiles in mapping",
    )
    enough = tiny(memory__sram__size=f"{needed} B")
    mapping = read(HEAD + whole, conv_graph(), enough)
    program = build_program(conv_graph(), enough, latency_cycles, mapping=mapping)
    assert program.sram_peak_bytes == needed


def test_a_tile_beside_what_stays_is_refused_with_what_is_left() -> None:
    whole = "steps: [{name: conv, tile: {B: 1, G: 1, K: 16, C: 16, OY: 8, OX: 8}}]\n"
    hardware = tiny(memory__sram__size="4400 B")
    where, what = _refusal(f"{whole}resident: [mid]", conv_graph(), hardware)
    assert where == "conv"
    assert "needs 3392 bytes of SRAM, 3376 of 4400 are left beside what stays" in what
    assert "let fewer tensors or weights stay" in what


def test_partial_sums_larger_than_the_accumulators_are_refused() -> None:
    """8 x 8 pixels, 16 channels on 4 columns, reduction cut: 256 sums a column, and 2 buffers."""
    tile = "steps: [{name: conv, tile: {K: 16, C: 8, OY: 8, OX: 8}}]"
    hardware = tiny(mac_array__accumulator__entries=511)
    where, what = _refusal(tile, conv_graph(), hardware)
    assert where == "conv"
    assert "needs 512 accumulators a column for its partial sums, edge-npu-1 has 511" in what
    assert "make OY, OX or K smaller" in what
    enough = tiny(mac_array__accumulator__entries=512)
    mapping = read(HEAD + tile, conv_graph(), enough)
    program = build_program(conv_graph(), enough, latency_cycles, mapping=mapping)
    assert program.table["tile_c"][0] == 8


def test_output_stationary_does_not_cut_the_reduction() -> None:
    tile = "steps: [{name: conv, tile: {C: 8}, dataflow: output_stationary}]"
    where, what = _refusal(tile, conv_graph(), EDGE)
    assert where == "conv"
    assert "make C the whole 16 or take another dataflow" in what


def test_tensors_and_weights_that_can_not_stay_are_refused() -> None:
    small = tiny(memory__sram__size="1000 B", memory__sram__holds=["weights", "inputs", "outputs"])
    where, what = _refusal("resident: [mid]", conv_graph(), small)
    assert where == "conv"
    assert "1024 bytes of them are live here, edge-npu-1 has 1000" in what
    where, what = _refusal("weights_stay: true", conv_graph(), small)
    assert what.startswith("weights_stay keeps 2368 bytes in SRAM, edge-npu-1 has 1000")


def test_a_mapping_of_another_model_is_refused() -> None:
    mapping = Mapping({"conf": StepMapping()})
    with pytest.raises(UsageError, match=r"conf.* not in the model .did you mean 'conv'"):
        build_program(conv_graph(), EDGE, latency_cycles, mapping=mapping)
