"""Pipelines of cores: how a network is cut, and what that does to throughput and latency."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import DescriptionError
from npusim.ir.graph import Graph
from npusim.timing.counts import Counts, count
from npusim.timing.pipeline import balanced_runs, one_core, stage_graph, steady_interval_cycles
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import program_of

NARROW = {"mapping__core_splits": ["K"], "memory__dram__bandwidth": "100 GB/s"}
"""Layers of 4 channels on 4 columns: sharing output channels gives other cores nothing to do."""


def _chain(layers: int = 4) -> Graph:
    build = Build()
    x = build.input(1, 16, 16, 4)
    for _ in range(layers):
        x = build.conv(x, 4, (3, 3), padding=(1, 1, 1, 1))
    return build.graph()


def _counted(**changes: object) -> Counts:
    return count(program_of(_chain(), tiny(**NARROW, **changes)))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 4))
def test_runs_are_cut_where_the_largest_sum_is_least(cycles, most):
    runs = balanced_runs([float(value) for value in cycles], most)
    assert [place for first, last in runs for place in range(first, last)] == [*range(len(cycles))]
    assert len(runs) <= most
    best = min(
        max(sum(cycles[a:b]) for a, b in zip((0, *cuts), (*cuts, len(cycles)), strict=True))
        for number in range(min(most, len(cycles)))
        for cuts in combinations(range(1, len(cycles)), number)
    )
    assert max(sum(cycles[first:last]) for first, last in runs) == best


def test_stages_hand_on_what_others_read():
    graph = _chain()
    first, second = stage_graph(graph, 0, 2), stage_graph(graph, 2, 4)
    assert first.inputs == graph.inputs
    assert second.outputs == graph.outputs
    assert first.outputs == second.inputs == graph.nodes[1].outputs


def test_a_core_has_its_share_of_the_memory():
    hardware = one_core(tiny(cores=4, memory__sram__size="10 KiB", memory__sram__banks=2))
    assert hardware.cores == 1
    assert hardware.memory.sram.size_bytes == 2560


def test_equal_layers_on_as_many_cores_come_out_at_the_pace_of_one():
    """Four layers: the interval is that of the slowest core, about a quarter of the latency."""
    counts = _counted(cores=4, mapping__pipeline=True)
    interval = steady_interval_cycles(counts)
    slowest = max(step.array_busy_cycles for step in counts.steps)
    assert slowest <= interval < 0.5 * counts.cycles


def test_latency_does_not_change():
    assert _counted(cores=4, mapping__pipeline=True).cycles == _counted(cores=4).cycles


def test_without_a_pipeline_inferences_follow_each_other():
    counts = _counted(cores=4)
    assert steady_interval_cycles(counts) == counts.cycles


@pytest.mark.parametrize("bandwidth", ["1 GB/s", "4 GB/s", "100 GB/s"])
@pytest.mark.parametrize("cores", [2, 3])
def test_a_pipeline_never_has_less_throughput_and_never_more_than_its_cores(bandwidth, cores):
    changes = {"memory__dram__bandwidth": bandwidth, "cores": cores}
    program = program_of(_chain(), tiny(**changes, mapping__pipeline=True))
    counts = count(program)
    interval = steady_interval_cycles(counts)
    issued = sum(step.issued_macs for step in counts.steps)
    assert issued / program.machine.mac_units <= interval <= counts.interval_cycles


def test_one_core_is_no_pipeline():
    with pytest.raises(DescriptionError, match="a pipeline of one core: raise cores"):
        tiny(mapping__pipeline=True)
