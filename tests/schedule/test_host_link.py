"""What crosses the host's link, and where its cycles are found again."""

from __future__ import annotations

from math import fsum

import pytest

from npusim import api
from npusim.cost.machine import machine_of
from npusim.energy.model import energy_of
from npusim.errors import DescriptionError
from npusim.hardware import Hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.relu import Relu
from npusim.report.confidence import confidence_of
from npusim.schedule.host_link import LinkTraffic, link_cycles, link_traffic
from npusim.schedule.lower import lower
from npusim.timing.counts import Counts, count
from tests.support.counted import without_vector_op
from tests.support.graphs import Build
from tests.support.machines import tiny, with_overrides
from tests.support.programs import program_of

LINK = {"host__link__bandwidth": "1 GB/s", "host__link__latency": "10 ns"}


def linked(**changes: object) -> Hardware:
    """A tiny NPU of 500 MHz behind 2 bytes a cycle, 5 cycles away."""
    return tiny(**LINK, clock="500 MHz", **changes)


def chain(*kinds: str) -> Graph:
    """One relu or softmax after the other, on 8 elements."""
    build = Build()
    x = build.input(1, 8)
    for kind in kinds:
        x = build.add_node(Relu() if kind == "relu" else Softmax(), x)
    return build.graph()


def traffic(graph: Graph, hardware: Hardware) -> LinkTraffic:
    """What crosses for `graph`, softmax being the host's."""
    hardware = without_vector_op(hardware, "softmax")
    return link_traffic(graph, lower(graph, hardware, machine_of(hardware)).steps)


def test_inputs_arrive_and_outputs_leave():
    assert traffic(chain("relu", "relu"), linked()) == LinkTraffic(8, 8, ((0, 0), (0, 0)))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("relu", "softmax", "relu"), LinkTraffic(8, 8, ((0, 0), (8, 8), (0, 0)))),
        (("softmax", "relu"), LinkTraffic(0, 8, ((8, 0), (0, 0)))),  # the host has the input
        (("relu", "softmax"), LinkTraffic(8, 0, ((0, 0), (0, 8)))),  # and keeps the output
        (("relu", "softmax", "softmax"), LinkTraffic(8, 0, ((0, 0), (0, 8), (0, 0)))),
    ],
)
def test_around_a_step_of_the_host_go_the_tensors_of_the_other_side(kinds, expected):
    assert traffic(chain(*kinds), linked()) == expected


def test_each_transfer_has_its_latency_and_its_data():
    assert link_cycles(linked(), 8, 0, 7) == (5 + 4) + (5 + 4)
    assert link_cycles(tiny(), 8, 7) == 0


def counted(graph: Graph, hardware: Hardware) -> Counts:
    """Counts of `graph`, softmax being the host's."""
    return count(program_of(graph, without_vector_op(hardware, "softmax")))


def test_both_ends_are_cycles_of_their_own_cause_and_of_no_step():
    graph = chain("relu", "relu")
    free = counted(graph, tiny(clock="500 MHz"))
    found = counted(graph, linked())
    assert found.cycles - free.cycles == found.cycles_by_cause["host_link"] == 2 * (5 + 4)
    assert found.overhead_cycles == found.link_cycles == 18
    assert fsum(found.cycles_by_cause.values()) == pytest.approx(found.cycles)


def test_what_crosses_around_a_step_of_the_host_is_conversion():
    graph = chain("relu", "softmax", "relu")
    free = counted(graph, tiny(clock="500 MHz"))
    found = counted(graph, linked())
    host = found.steps[1].cycles_by_cause
    assert host["conversion"] == pytest.approx(2 * (5 + 4))
    assert host["host"] == pytest.approx(free.steps[1].cycles_by_cause["host"])
    assert fsum(found.cycles_by_cause.values()) == pytest.approx(found.cycles)


def test_a_link_that_reaches_sram_needs_no_second_memory():
    graph = chain("relu", "relu")
    program = program_of(graph, linked(host__link__reaches="sram"))
    assert {graph.inputs[0], graph.outputs[0]} <= set(program.placements)
    found = count(program)
    assert sum(step.dram_read_bytes + step.dram_write_bytes for step in found.steps) == 0
    far = count(program_of(graph, linked()))
    assert sum(step.dram_read_bytes + step.dram_write_bytes for step in far.steps) == 16


def test_what_does_not_fit_in_sram_goes_on_to_the_second_memory():
    build = Build()
    build.add_node(Relu(), build.input(1, 4096))
    program = program_of(
        build.graph(), linked(host__link__reaches="sram", memory__sram__size="2 KiB")
    )
    assert program.placements == {}


def test_layers_of_a_table_do_not_cross_and_a_report_says_so(tmp_path):
    path = tmp_path / "gemm.csv"
    path.write_text("name,m,n,k\na,4,4,4\n")
    graph = api.load_model(path).graph
    found = count(program_of(graph, linked()))
    assert found.link_cycles == 0
    listed = confidence_of(found, energy_of(found)).not_modelled
    assert any("layers of a table" in text for text in listed)


def test_a_second_memory_behind_the_link_waits_for_it():
    graph = chain("relu", "relu")
    link = tiny(memory__dram__technology="host_link")
    here, there = count(program_of(graph, tiny())), count(program_of(graph, link))
    assert there.cycles == here.cycles
    waits = ("wait_inputs", "wait_output_buffer")
    moved = sum(here.cycles_by_cause[cause] for cause in waits)
    assert there.cycles_by_cause["host_link"] == pytest.approx(moved)
    assert moved > 0


def test_one_link_only():
    with pytest.raises(DescriptionError, match="behind a link already"):
        with_overrides("edge-tpu", {key.replace("__", "."): value for key, value in LINK.items()})
