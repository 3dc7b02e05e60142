"""Compressed weights: given ratios and counted codes change what weights take, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.cost.machine import machine_of
from npusim.errors import DescriptionError
from npusim.numerics.weight_coding import Geometry, coded_bytes
from npusim.schedule.compression import geometry_of
from npusim.schedule.lower import lower
from npusim.schedule.tables import INPUTS, OUTPUTS
from npusim.timing.counts import count
from tests.support.graphs import only
from tests.support.machines import tiny
from tests.support.programs import program_of


def graph_of(outputs: int = 24, channels: int = 32):
    """A 1 x 1 convolution."""
    return only(lambda build, x: build.conv(x, outputs, (1, 1)), 1, 6, 6, channels)


def test_a_given_ratio_scales_the_bytes_of_weights():
    """Half, and one and a half: coding may expand."""
    graph = graph_of()
    for ratio in (0.5, 1.5):
        hardware = tiny(memory__weight_compression__ratio=ratio)
        weights = lower(graph, hardware, machine_of(hardware)).operands[1]
        assert (weights["stored_bytes"], weights["stored_of"]) == (24 * 32 * ratio, 24 * 32)


def test_a_counted_code_is_that_of_the_weights():
    """Zero points come off first; the array's own blocks say what is padded."""
    graph = graph_of()
    hardware = tiny(memory__weight_compression__coding="golomb_rice")
    weights = lower(graph, hardware, machine_of(hardware)).operands[1]
    tensor = graph.tensors[graph.nodes[0].inputs[1]]
    values = tensor.data.astype(np.int16)
    assert weights["stored_bytes"] == coded_bytes(values, geometry_of(hardware), False)


def test_a_systolic_array_pads_nothing():
    assert geometry_of(tiny()) == Geometry(1, 1, 1, 1, (1 << 30, 1 << 30))


def test_parameters_of_a_channel_have_a_size_of_their_own():
    """Ten bytes instead of a bias of four."""
    graph = only(lambda build, x: build.conv(x, 24, (1, 1), bias=True), 1, 6, 6, 8)
    hardware = tiny(memory__layout__channel_parameters="10 B")
    found = lower(graph, hardware, machine_of(hardware)).operands
    assert [int(row["stored_bytes"]) for row in found if row["role"] not in (INPUTS, OUTPUTS)] == [
        0, 240,
    ]  # fmt: skip


def test_fewer_bytes_are_loaded_and_it_is_never_slower():
    """On a slow memory the time of loading weights shrinks with them."""
    graph, found = graph_of(64, 64), []
    for ratio in (0.25, 1.0, 1.25):
        hardware = tiny(
            memory__weight_compression__ratio=ratio, memory__dram__bandwidth="0.1 GB/s",
            memory__dram__burst="1 B", memory__sram__holds=["inputs", "outputs"],
        )  # fmt: skip
        found.append(count(program_of(graph, hardware)))
    inputs = 6 * 6 * 64
    loaded = [counts.steps[0].dram_read_bytes - inputs for counts in found]
    assert loaded[0] * 4 == loaded[1] == 64 * 64
    assert loaded[2] == 64 * 64 * 5 // 4
    assert found[0].cycles < found[1].cycles < found[2].cycles


@pytest.mark.parametrize(
    "rule",
    [
        {"memory__weight_compression__ratio": None},
        {
            "memory__weight_compression__ratio": 0.5,
            "memory__weight_compression__coding": "golomb_rice",
        },
        {"memory__weight_compression__ratio": 0},
    ],
)
def test_a_rule_that_says_nothing_or_two_things_is_refused(rule):
    with pytest.raises(DescriptionError):
        tiny(**rule)
