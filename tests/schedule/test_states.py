"""A state stays in SRAM across inferences with two places that swap, or travels like a tensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim.execution.executor import Executor
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph, State
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.pairs.add import Add
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.program import Program
from npusim.timing.counts import count
from tests.support.graphs import Build
from tests.support.machines import machine_with, tiny
from tests.support.programs import program_of

SHAPE = (1, 8, 8, 4)
SIZE = 256  # bytes of a tensor of that shape


def remembering(outside: bool = False) -> Graph:
    """y = relu(x + old), new = relu(relu(x + old)); with `outside`, y is the new state too."""
    build = Build()
    x, old = build.input(*SHAPE), build.input(*SHAPE)
    total = build.add_node(Add(), x, old)
    y = build.add_node(Relu(), total)
    new = build.add_node(Relu(), y)
    graph = build.graph(y) if outside else build.graph(build.add_node(Relu(), new))
    state = State("memory", np.full(SHAPE, 5, np.int8), old, y if outside else new)
    return replace(graph, inputs=(x,), states=(state,))


def places(program: Program) -> list[tuple[int, int]]:
    """(first, last) of the places of the state's two tensors that have one."""
    (state,) = program.graph.states
    found = [program.placements.get(name) for name in (state.read, state.written)]
    return [(place.first, place.last) for place in found if place is not None]


def traffic(hardware: Hardware, graph: Graph) -> tuple[int, int]:
    """Bytes read from and written to DRAM in one inference."""
    steps = count(program_of(graph, hardware)).steps
    return sum(s.dram_read_bytes for s in steps), sum(s.dram_write_bytes for s in steps)


def test_a_state_that_fits_has_two_places_all_the_time() -> None:
    program = program_of(remembering(), tiny())
    assert places(program) == [(0, 3), (0, 3)]
    state = program.graph.states[0]
    old, new = (program.placements[name] for name in (state.read, state.written))
    assert abs(old.offset_bytes - new.offset_bytes) >= SIZE
    assert traffic(tiny(), program.graph) == (SIZE, SIZE)


def test_the_first_inference_loads_the_state_that_stays() -> None:
    program = program_of(remembering(), tiny())
    counts = count(program)
    assert program.preloaded_bytes == program.pinned_bytes + SIZE
    assert counts.first_inference_cycles == counts.cycles + 3 + 20 + SIZE // 8


def test_a_state_without_room_is_read_and_written_in_each_inference() -> None:
    small = tiny(memory__sram__size="512 B")
    program = program_of(remembering(), small)
    assert places(program) == []
    read, written = traffic(small, program.graph)
    assert read >= 2 * SIZE and written >= 2 * SIZE
    assert program.preloaded_bytes == 0


def test_a_state_that_is_an_output_leaves_sram_so_neither_half_stays() -> None:
    program = program_of(remembering(outside=True), tiny())
    assert places(program) == []


def test_behind_flash_the_state_stays() -> None:
    program = program_of(remembering(), machine_with("ethos-u55-128"))
    assert places(program) == [(0, 3), (0, 3)]


def test_tile_by_tile_gives_the_same_state() -> None:
    program = program_of(remembering(), tiny(memory__sram__size="512 B"))
    graph = program.graph
    executor = Executor(program, profile_named(graph.profile), kernels("reference"))
    x = np.random.default_rng(0).integers(-128, 128, SHAPE).astype(np.int8)
    outputs, state = executor.advance({graph.inputs[0]: x})
    tiles = executor.run({graph.inputs[0]: x}, by_tiles=True, keep=graph.results)
    np.testing.assert_array_equal(tiles[graph.outputs[0]], outputs[graph.outputs[0]])
    np.testing.assert_array_equal(tiles[graph.states[0].written], state["memory"])
