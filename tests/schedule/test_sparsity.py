"""2:4 sparsity: found in weights, issued at half the MACs, stored with indices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npusim
from npusim import api
from npusim.errors import DescriptionError
from npusim.hardware import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.sparsity import follows
from npusim.timing.counts import count
from tests.support.graphs import Build
from tests.support.machines import with_overrides
from tests.support.programs import program_of

FAST = {
    "memory.weight_compression": None,
    "mac_array.weight_rate": "512 weights/cycle",
    "output_stage.rate": "1000 elements/cycle",
    "memory.sram.read": "1000 B/cycle",
    "memory.sram.write": "1000 B/cycle",
}
RULE = {"mac_array.weight_sparsity.kept": 2, "mac_array.weight_sparsity.of": 4}


def array(**rule: object) -> Hardware:
    """An Ethos-U55 with nothing but its array to wait for, with or without a sparse rate."""
    given = {f"mac_array.weight_sparsity.{key}": value for key, value in rule.items()}
    return with_overrides("ethos-u55-128", FAST | given)


def conv(weights: np.ndarray, zero_point: int = 0) -> Graph:
    """A 1x1 convolution of 32 x 32 pixels with these int8 weights [outputs, inputs]."""
    build = Build()
    build.conv(build.input(1, 32, 32, weights.shape[1]), weights.shape[0])
    name = next(name for name, tensor in build.tensors.items() if tensor.is_constant)
    tensor = build.tensors[name]
    assert tensor.quantization is not None
    zero = np.array([zero_point], tensor.quantization.zero_point.dtype)
    build.tensors[name] = replace(
        tensor,
        data=(weights[:, None, None, :] + zero_point).astype(np.int8),
        quantization=replace(tensor.quantization, zero_point=zero),
    )
    return build.graph()


def pruned(outputs: int = 32, inputs: int = 64) -> np.ndarray:
    """Weights of which the second and fourth of every four are zero."""
    return np.tile([3, 0, -5, 0], (outputs, inputs // 4))


@pytest.mark.parametrize("zero_point", [0, 7])
def test_pruned_layers_issue_half_of_their_macs_in_less_time(zero_point):
    graph = conv(pruned(), zero_point)
    dense, sparse = (count(program_of(graph, hw)) for hw in (array(), array(kept=2)))
    assert sparse.steps[0].step.nest.macs == dense.steps[0].issued_macs == 1024 * 64 * 32
    assert sparse.steps[0].issued_macs == 1024 * 64 * 32 // 2
    assert sparse.steps[0].array_busy_cycles * 2 == dense.steps[0].array_busy_cycles


def test_one_weight_too_many_makes_a_layer_dense():
    weights = pruned()
    weights[5, 9] = 1
    found = count(program_of(conv(weights), array(kept=2)))
    assert found.steps[0].issued_macs == 1024 * 64 * 32


def test_channels_that_fill_no_whole_group_are_dense():
    weights = np.tile([3, 0, -5, 0, 1, 0], (32, 1))
    found = count(program_of(conv(weights), array(kept=2)))
    assert found.steps[0].issued_macs == 1024 * 6 * 32


def test_pruned_weights_lie_with_their_indices():
    """Two of four weights, ten bits each: 20 of 32 bits."""
    graph = conv(pruned())
    dense, sparse = (program_of(graph, hw) for hw in (array(), array(kept=2)))
    stored = sparse.operands[sparse.operands["role"] == 0]["stored_bytes"][0]
    assert stored >= 32 * 64 * 20 // 32
    assert stored < 32 * 64 * 22 // 32
    assert dense.operands[dense.operands["role"] == 0]["stored_bytes"][0] in (0, 32 * 64)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(4, 8))
def test_the_pattern_is_looked_for_in_every_group(seed, kept, of):
    draw = np.random.default_rng(seed)
    weights = draw.integers(-1, 2, (3, 2, 2 * of))
    counts = [
        np.count_nonzero(weights[a, b, at : at + of])
        for a in range(3)
        for b in range(2)
        for at in (0, of)
    ]
    assert follows(weights, kept, of) == (max(counts) <= kept)


def test_tables_are_pruned_if_the_description_says_so(tmp_path):
    path = tmp_path / "gemm.csv"
    path.write_text("name,m,n,k\na,64,64,64\nb,64,64,6\n")
    graph = api.load_model(path).graph
    plain, taken = (count(program_of(graph, array(tables=yes))) for yes in (False, True))
    assert [step.issued_macs for step in plain.steps] == [64**3, 64 * 64 * 6]
    assert [step.issued_macs for step in taken.steps] == [64**3 // 2, 64 * 64 * 6]


def test_a_report_says_how_many_layers_skipped_weights():
    report = npusim.simulate("mlperf-tiny-ic", "ethos-u85-256")
    assert any("0 of 10 layers" in note and "2:4" in note for note in report.notes)


@pytest.mark.parametrize(
    ("preset", "rule", "said"),
    [
        ("ethos-u55-128", {"mac_array.weight_sparsity.kept": 4}, "4 of 4 skips nothing"),
        ("edge-npu-1", RULE, "no meaning in a systolic array"),
        ("axelera-metis", RULE, "no meaning in an in_memory array"),
    ],
)
def test_descriptions_that_cannot_skip_are_refused(preset, rule, said):
    with pytest.raises(DescriptionError, match=said):
        with_overrides(preset, rule)
