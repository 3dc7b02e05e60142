"""A bounded memory, and that what it keeps between hardware points changes nothing."""

from __future__ import annotations

import dataclasses
import gc
import weakref

from hypothesis import given, settings
from hypothesis import strategies as st

import npusim
from npusim.cost.machine import machine_of
from npusim.errors import DoesNotFitError, UnsupportedModelError
from npusim.hardware import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.fixed import NOTHING_FIXED
from npusim.schedule.kept import Kept
from npusim.schedule.lower import lower, lowered_for
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.schedule.tiler import Tiler
from npusim.timing.counts import latency_cycles
from tests.support.counted import conv_graph
from tests.support.graphs import graphs
from tests.support.presets_drawn import moved_presets


def test_a_value_is_made_once_and_the_oldest_makes_room() -> None:
    made: list[str] = []

    def value(key: str) -> str:
        return kept.get(key, lambda: made.append(key) or key.upper())

    kept: Kept[str] = Kept(2)
    assert [value(key) for key in "abab"] == ["A", "B", "A", "B"]
    assert made == ["a", "b"]
    value("a")
    value("c")  # b was used longest ago
    assert (value("a"), value("b"), made) == ("A", "B", ["a", "b", "c", "b"])
    assert len(kept) == 2


def _built(graph: Graph, hardware: Hardware) -> Program | str:
    try:
        return build_program(graph, hardware, latency_cycles)
    except (DoesNotFitError, UnsupportedModelError) as error:
        return str(error)


def _same(a: Program | str, b: Program | str) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    tables = a.table.tobytes() == b.table.tobytes() and a.operands.tobytes() == b.operands.tobytes()
    return tables and a.placements == b.placements and a.pinned_bytes == b.pinned_bytes


@given(graphs(most_operators=2), st.lists(moved_presets(), min_size=2, max_size=3))
@settings(max_examples=6, deadline=None)
def test_points_of_a_design_space_are_what_each_of_them_is_alone(graph, points) -> None:
    """One graph object goes through all points, forth and back; each point alone has a new one."""
    for hardware in (*points, *reversed(points)):
        alone = _built(dataclasses.replace(graph), hardware)
        assert _same(_built(graph, hardware), alone)


def test_lowering_is_found_again_for_another_memory_and_not_for_other_rates() -> None:
    graph = conv_graph()

    def found(**changes: str) -> object:
        overrides = {name.replace("__", "."): value for name, value in changes.items()}
        hardware = npusim.load_hardware("tpu-like-128", overrides)
        return lowered_for(graph, hardware, machine_of(hardware))

    assert found() is found(memory__sram__size="1 MiB") is found(clock="900 MHz")
    assert found() is found(memory__dram__bandwidth="9 GB/s", mac_array__rows="64")
    assert found() is not found(overheads__per_layer="77 cycles")


def test_what_stays_in_sram_is_found_again_for_another_bus_and_not_for_another_sram() -> None:
    graph = conv_graph()

    def found(**changes: str) -> object:
        overrides = {name.replace("__", "."): value for name, value in changes.items()}
        hardware = npusim.load_hardware("tpu-like-128", overrides)
        machine = machine_of(hardware)
        lowered = lowered_for(graph, hardware, machine)
        return Tiler(graph, lowered, hardware, machine, NOTHING_FIXED)._resident

    assert found() is found(clock="900 MHz") is found(memory__dram__bandwidth="9 GB/s")
    assert found() is not found(memory__sram__size="1 MiB")
    assert found() is not found(memory__sram__holds="[weights, inputs]")


def test_what_is_kept_goes_with_its_graph() -> None:
    graph, hardware = conv_graph(), npusim.load_hardware("tpu-like-128")
    build_program(graph, hardware, latency_cycles)
    lowered = weakref.ref(lowered_for(graph, hardware, machine_of(hardware)))
    assert lowered() is not None
    del graph
    gc.collect()
    assert lowered() is None


def test_nothing_changes_the_tables_that_are_kept() -> None:
    graph, hardware = conv_graph(), npusim.load_hardware("edge-npu-1")
    machine = machine_of(hardware)
    build_program(graph, hardware, latency_cycles)
    kept, new = lowered_for(graph, hardware, machine), lower(graph, hardware, machine)
    assert kept.table.tobytes() == new.table.tobytes()
    assert kept.operands.tobytes() == new.operands.tobytes()
