"""Simple schedules are among the candidates, so the scheduler never does worse than they do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import npusim
from npusim import api
from npusim.cost.machine import machine_of
from npusim.energy.objective import OBJECTIVES, judge_of, objective_weights
from npusim.errors import DoesNotFitError, UsageError
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.estimate import LATENCY
from npusim.schedule.fixed import NOTHING_FIXED
from npusim.schedule.heuristics import heuristics
from npusim.schedule.lower import lower
from npusim.schedule.policies import Policy
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.schedule.tables import ALIAS, HOST
from npusim.schedule.tiler import Aim, Tiler
from npusim.schedule.tiles import tile_count
from tests.schedule.test_scheduler import chain
from tests.support.graphs import graphs
from tests.support.machines import machines, tiny

BOTH = ("weight_stationary", "output_stationary")


def tiler_of(graph: Graph, hardware: Hardware) -> Tiler:
    machine = machine_of(hardware)
    return Tiler(graph, lower(graph, hardware, machine), hardware, machine, NOTHING_FIXED)


def policy_of(program: Program) -> Policy:
    return Policy(program.pinned_bytes, dict(program.placements))


def assert_never_worse(graph: Graph, hardware: Hardware, objective: str) -> None:
    judge = judge_of(objective)
    chosen = build_program(graph, hardware, judge, objective_weights(hardware, objective))
    if chosen.cascades:
        return  # its placements are those of stripes; the plain Programs were judged as well
    for name, simple in heuristics(tiler_of(graph, hardware), policy_of(chosen)):
        if simple is not None:
            assert judge(chosen) <= judge(simple), name


@settings(max_examples=15)
@given(graphs(), machines(), st.sampled_from(OBJECTIVES))
def test_no_simple_schedule_of_a_random_graph_is_better(graph, hardware, objective):
    try:
        assert_never_worse(graph, hardware, objective)
    except DoesNotFitError:
        assume(False)


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("network", ["digits", "mobilenet-v2", "resnet-50"])
@pytest.mark.parametrize(
    "preset", ["gemmini-16", "tpu-like-128", "ethos-u55-128", "nvdla-nv-small", "edge-npu-1"]
)
def test_no_simple_schedule_of_a_network_is_better(network, preset, objective):
    graph = npusim.load_model(network).graph
    assert_never_worse(graph, npusim.load_hardware(preset), objective)


def test_each_simple_schedule_is_what_its_name_says():
    hardware = tiny(memory__sram__size="2 KiB", mac_array__dataflows=BOTH)
    tiler = tiler_of(chain(2), hardware)
    found = dict(heuristics(tiler, Policy(0, {})))
    assert set(found) == {*BOTH, "weights_first", "largest_tile"}
    searched = tiler.program(Policy(0, {}), 0, Aim(LATENCY, False))
    assert searched is not None
    for number, name in enumerate(BOTH):
        program = found[name]
        assert program is not None
        assert (program.table["dataflow"] == number).all()
    weights_first, largest = found["weights_first"], found["largest_tile"]
    assert weights_first is not None and largest is not None
    assert (weights_first.table["order"] == 0).all()
    for own, other in zip(largest.table, searched.table, strict=True):
        assert tile_count(own) <= tile_count(other)


@settings(max_examples=30, deadline=None)
@given(graphs(), machines())
def test_winners_of_wider_searches_change_no_simple_schedule(graph, hardware):
    """A Tiler that has made other Programs finds the same as a new one."""
    used, new = tiler_of(graph, hardware), tiler_of(graph, hardware)
    for policy in used.policies():
        for number, early in enumerate((False, True)):
            used.program(policy, number, Aim(LATENCY, early))
        for (name, first), (_, second) in zip(
            heuristics(used, policy), heuristics(new, policy), strict=True
        ):
            assert (first is None) == (second is None), name
            if first is not None and second is not None:
                assert judge_of("latency")(first) == judge_of("latency")(second), name


def test_a_thorough_search_is_never_worse():
    graph, hardware = chain(3), tiny(memory__sram__size="2 KiB")
    judge = judge_of("latency")
    quick = build_program(graph, hardware, judge)
    thorough = build_program(graph, hardware, judge, thorough=True)
    assert judge(thorough) <= judge(quick)
    tiled = [step.unit not in (ALIAS, HOST) for step in thorough.steps]
    assert (thorough.buffer_bytes[np.array(tiled)] > 0).all()


def test_effort_is_an_option_of_the_interface():
    with pytest.raises(UsageError) as caught:
        api.schedule(api.Model(chain(1)), tiny(), effort="througho")
    assert "thorough" in caught.value.problems[0].what
    thorough = api.schedule(api.Model(chain(1)), tiny(), effort="thorough")
    assert thorough.steps
