"""Placement in SRAM: no overlap in space while both live, no more than there is, room for tiles."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npusim
from npusim.cost.machine import machine_of
from npusim.hardware import Hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.program import Placement
from npusim.schedule.residency import candidates, place, top_bytes
from npusim.schedule.tables import ALIAS, RESIDENT
from tests.support.counted import without_vector_op
from tests.support.graphs import Build, graphs
from tests.support.machines import machines, tiny
from tests.support.programs import program_of, scheduled_programs


def _lowered(graph: Graph, hardware: Hardware | None = None) -> Lowered:
    hardware = tiny() if hardware is None else hardware
    return lower(graph, hardware, machine_of(hardware))


def _overlap(a: Placement, b: Placement) -> bool:
    in_time = a.first <= b.last and b.first <= a.last
    in_space = (
        a.offset_bytes < b.offset_bytes + b.size_bytes
        and b.offset_bytes < a.offset_bytes + a.size_bytes
    )
    return in_time and in_space


def _relus(build: Build, x: str, count: int) -> list[str]:
    """A chain of activations; the names of their outputs."""
    names = []
    for _ in range(count):
        x = build.add_node(Relu(), x)
        names.append(x)
    return names


@given(
    graphs(most_operators=6), machines(), st.integers(0, 20_000), st.booleans(),
    st.lists(st.integers(0, 4_000), min_size=1, max_size=8),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_placements_share_no_byte_while_both_live(
    graph: Graph, hardware: Hardware, capacity: int, all_stay: bool, rooms: list[int]
) -> None:
    lowered = _lowered(graph, hardware)
    steps = len(lowered.steps)
    tile_bytes = [rooms[at % len(rooms)] for at in range(steps)]
    placed = place(graph, lowered, capacity, tile_bytes, all_stay)
    assert not any(_overlap(a, b) for a, b in combinations(placed.values(), 2))
    for name, where in placed.items():
        assert where.size_bytes == graph.tensors[name].size_bytes
        assert where.offset_bytes >= 0
        assert 0 <= where.first <= where.last < steps
    top = top_bytes(placed, steps)
    for at in range(steps):
        assert top[at] == 0 or top[at] + tile_bytes[at] <= capacity


@given(scheduled_programs())
@settings(max_examples=40, deadline=None)
def test_a_program_keeps_within_its_sram(program) -> None:
    assert program.sram_peak_bytes <= program.machine.sram_bytes
    top = top_bytes(dict(program.placements), len(program.steps))
    assert max(top, default=0) + program.pinned_bytes <= program.sram_peak_bytes
    assert not any(_overlap(a, b) for a, b in combinations(program.placements.values(), 2))


@given(graphs(most_operators=6))
@settings(max_examples=40, deadline=None)
def test_a_tensor_lives_from_its_writer_to_its_last_reader(graph: Graph) -> None:
    lowered = _lowered(graph)
    for name, first, last, size in candidates(graph, lowered, False):
        users = [
            at for at, step in enumerate(lowered.steps)
            if step.unit != ALIAS
            and name in {lowered.root[t] for t in (*step.node.inputs, *step.node.outputs)}
        ]  # fmt: skip
        assert (first, last) == (users[0], users[-1])
        assert name in {lowered.root[out] for out in lowered.steps[first].node.outputs}
        assert size == graph.tensors[name].size_bytes
        assert name not in (*graph.inputs, *graph.outputs)


def test_inputs_and_outputs_of_the_model_stay_only_where_nothing_can_leave() -> None:
    build = Build()
    x = build.input(1, 4, 4, 2)
    first, second, third = _relus(build, x, 3)
    graph = build.graph()
    lowered = _lowered(graph)
    assert {name for name, *_ in candidates(graph, lowered, False)} == {first, second}
    everything = {name: (a, b) for name, a, b, _ in candidates(graph, lowered, True)}
    assert everything == {x: (0, 0), first: (0, 1), second: (1, 2), third: (2, 2)}


def test_what_the_host_touches_does_not_stay() -> None:
    build = Build()
    a, b, c = _relus(build, build.input(1, 8), 3)
    soft = build.add_node(Softmax(), c)
    _relus(build, soft, 2)
    graph = build.graph()
    lowered = _lowered(graph, without_vector_op(tiny(), "softmax"))
    names = {name for name, *_ in candidates(graph, lowered, False)}
    assert {a, b} <= names
    assert not names & {c, soft}


def test_a_view_shares_the_place_of_its_tensor() -> None:
    build = Build()
    image = build.add_node(Relu(), build.input(1, 4, 4, 2))
    flat = build.add_node(Reshape((1, 32)), image)
    build.fully_connected(flat, 4)
    graph = build.graph()
    (only,) = candidates(graph, _lowered(graph), False)
    assert only == (image, 0, 2, 32)


def test_space_is_used_again_after_the_last_reader() -> None:
    build = Build()
    names = _relus(build, build.input(1, 100), 6)
    graph = build.graph()
    placed = place(graph, _lowered(graph), 200, [0] * 6, False)
    assert set(placed) == set(names[:-1])
    assert {where.offset_bytes for where in placed.values()} == {0, 100}


@pytest.mark.parametrize(("capacity", "expected"), [(199, 3), (200, 5)])
def test_one_byte_less_and_a_tensor_travels(capacity: int, expected: int) -> None:
    build = Build()
    _relus(build, build.input(1, 100), 6)
    graph = build.graph()
    assert len(place(graph, _lowered(graph), capacity, [0] * 6, False)) == expected


def test_room_for_tiles_is_kept_in_every_step_of_the_range() -> None:
    build = Build()
    first, _ = _relus(build, build.input(1, 100), 2)
    graph = build.graph()
    lowered = _lowered(graph)
    assert place(graph, lowered, 150, [50, 50], False)[first] == Placement(0, 100, 0, 1)
    assert place(graph, lowered, 150, [50, 51], False) == {}
    assert place(graph, lowered, 150, [51, 50], False) == {}


def test_tensors_that_save_more_per_step_come_first() -> None:
    """A tensor that is read at once saves more a step than one kept for a late addition."""
    build = Build()
    x = build.add_node(Relu(), build.input(1, 100))
    names = _relus(build, x, 3)
    build.add_node(Relu(), build.add_node(Add(), names[-1], x))
    graph = build.graph()
    order = [name for name, *_ in candidates(graph, _lowered(graph), False)]
    assert order.index(names[0]) < order.index(x)


def test_only_the_named_tensors_are_placed() -> None:
    build = Build()
    names = _relus(build, build.input(1, 100), 6)
    graph = build.graph()
    lowered = _lowered(graph)
    placed = place(graph, lowered, 10_000, [0] * 6, False, only={names[1], names[3]})
    assert set(placed) == {names[1], names[3]}


def test_a_tensor_that_stays_is_not_moved() -> None:
    build = Build()
    _relus(build, build.input(1, 64), 3)
    program = program_of(build.graph(), tiny())
    staying = {program.tensors.index(name) for name in program.placements}
    assert staying
    streams = program.operands["stream"][np.isin(program.operands["tensor"], list(staying))]
    assert (streams == RESIDENT).all()


def test_where_all_must_stay_the_largest_are_tried_first() -> None:
    """Short-lived small tensors first would split the space that the largest one needs."""
    graph = npusim.load_model("yolov8n").graph
    hardware = npusim.load_hardware("ethos-u55-256")
    lowered = _lowered(graph, hardware)
    wanted = candidates(graph, lowered, True)
    rooms = [1 << 14] * len(lowered.steps)
    placed = place(graph, lowered, hardware.memory.sram.size_bytes, rooms, True)
    assert set(placed) == {name for name, *_ in wanted}
    for (_, a), (_, b) in combinations(placed.items(), 2):
        assert not _overlap(a, b)
