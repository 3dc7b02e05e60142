"""Mapping files: a schedule comes back as it was written, and never changes a bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npusim.errors import DoesNotFitError, UsageError
from npusim.execution.executor import Executor
from npusim.frontend import load_model
from npusim.hardware import load_hardware
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.fixed import TILE_DIMS, Mapping
from npusim.schedule.mapping import dump_mapping
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cycles
from tests.support.counted import conv_graph
from tests.support.graphs import Build, graphs
from tests.support.machines import machines
from tests.support.mappings import problems, read, step_mappings, text_of, with_random_weights
from tests.support.programs import program_of, scheduled_programs
from tests.support.shared import shared_path

HEAD = "npusim: mapping/1\n"
EDGE = load_hardware("edge-npu-1")


def _again(program: Program) -> Program:
    """The Program that a dump of `program` gives."""
    mapping = read(dump_mapping(program), program.graph, program.hardware)
    return build_program(program.graph, program.hardware, latency_cycles, mapping=mapping)


def _assert_same(a: Program, b: Program) -> None:
    for table in ("table", "operands"):
        for column in getattr(a, table).dtype.names:
            assert np.array_equal(getattr(a, table)[column], getattr(b, table)[column]), column
    assert (a.placements, a.pinned_bytes) == (b.placements, b.pinned_bytes)
    assert a.sram_peak_bytes == b.sram_peak_bytes
    assert latency_cycles(a) == latency_cycles(b)


@given(scheduled_programs())
@settings(max_examples=60, deadline=None)
def test_what_is_dumped_is_read_back(program: Program) -> None:
    _assert_same(program, _again(program))


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
@pytest.mark.parametrize(
    "name", ["mlperf_tiny_kws_ref_model", "mlperf_tiny_pretrainedResnet_quant",
             "mlperf_tiny_vww_96_int8", "tf2_mobilenet_v2_1.0_224_ptq"],
)  # fmt: skip
def test_real_networks_come_back(name: str, preset: str) -> None:
    graph = load_model(shared_path("data", "models", f"{name}.tflite"))
    program = program_of(graph, load_hardware(preset))
    again = _again(program)
    _assert_same(program, again)
    assert count(program).cycles_by_cause == count(again).cycles_by_cause


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=100, deadline=None)
def test_any_name_comes_back(name: str) -> None:
    assume(name not in ("in", "w", "bias", "sum", "out", "flat", "twice"))
    graph = conv_graph()
    conv, twice, flat = graph.nodes
    tensors = dict(graph.tensors)
    tensors[name] = replace(tensors.pop("mid"), name=name)
    nodes = (
        replace(conv, name=name, outputs=(name,)), replace(twice, inputs=(name, name)), flat,
    )  # fmt: skip
    program = program_of(replace(graph, nodes=nodes, tensors=tensors), EDGE)
    _assert_same(program, _again(program))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_random_tiles_are_taken_and_never_change_a_bit(data: st.DataObject) -> None:
    graph = with_random_weights(data.draw(graphs(most_operators=3, most_extent=9)))
    hardware = data.draw(machines())
    try:
        free = program_of(graph, hardware)
        mapping = data.draw(step_mappings(free))
        assert read(text_of(mapping), graph, hardware).steps == mapping.steps
        program = build_program(graph, hardware, latency_cycles, mapping=mapping)
    except DoesNotFitError:
        assume(False)
        raise
    for at, step in enumerate(program.steps):
        for dim, size in zip(TILE_DIMS, mapping.of(step.name).tile, strict=True):
            assert size is None or program.table[f"tile_{dim.lower()}"][at] == size
    assert program.sram_peak_bytes <= program.machine.sram_bytes
    _assert_same(program, _again(program))
    executor = Executor(program, profile_named(graph.profile), kernels("numba"))
    rng = np.random.default_rng(0)
    inputs = {n: rng.integers(-128, 128, graph.tensors[n].shape, np.int8) for n in graph.inputs}
    tiled, whole = executor.run(inputs, by_tiles=True), executor.run(inputs)
    assert all(np.array_equal(tiled[name], whole[name]) for name in graph.outputs)


def test_a_worse_tile_costs_what_it_costs() -> None:
    """A file can say what the search would never choose: one output row at a time."""
    graph, free = conv_graph(size=16), program_of(conv_graph(size=16), EDGE)
    text = f"{HEAD}steps: [{{name: conv, tile: {{OY: 1, K: 4}}}}]"
    slow = build_program(graph, EDGE, latency_cycles, mapping=read(text, graph, EDGE))
    assert slow.table["tile_oy"][0] == 1
    assert slow.table["tile_k"][0] == 4
    assert latency_cycles(slow) > latency_cycles(free)


def test_what_a_file_leaves_out_is_searched() -> None:
    graph = conv_graph()
    free = program_of(graph, EDGE)
    for text in (HEAD, f"{HEAD}steps: []", f"{HEAD}model: {{name: other}}\nhardware: {{}}"):
        assert read(text, graph, EDGE) == Mapping()
        mapped = build_program(graph, EDGE, latency_cycles, mapping=read(text, graph, EDGE))
        _assert_same(free, mapped)


def test_what_stays_is_what_the_file_says() -> None:
    graph = conv_graph()
    for resident, stay in (("[]", "false"), ("[mid]", "false"), ("[mid]", "true")):
        text = f"{HEAD}resident: {resident}\nweights_stay: {stay}"
        program = build_program(graph, EDGE, latency_cycles, mapping=read(text, graph, EDGE))
        assert set(program.placements) == ({"mid"} if "mid" in resident else set())
        assert (program.pinned_bytes > 0) == (stay == "true")


def test_a_view_stands_for_its_tensor() -> None:
    build = Build()
    image = build.conv(build.input(1, 4, 4, 4), 4)
    flat = build.add_node(Reshape((1, 64)), image)
    build.fully_connected(flat, 4)
    graph = build.graph()
    assert read(f"{HEAD}resident: [{flat}]", graph, EDGE).resident == {image}
    ((_, what),) = problems(f"{HEAD}resident: [{flat}, {image}]", graph, EDGE)
    assert what.startswith("tensor 't0' is here twice: the first is at ")


def test_steps_of_one_name_cannot_be_dumped_or_read() -> None:
    graph = conv_graph()
    nodes = (*graph.nodes[:2], replace(graph.nodes[1], op=Add(), name="conv", outputs=("out",)))
    double = replace(graph, nodes=nodes, tensors={**graph.tensors, "out": graph.tensors["sum"]})
    with pytest.raises(UsageError, match="conv: several steps have this name"):
        dump_mapping(program_of(double, EDGE))
    ((_, what),) = problems(HEAD + "steps: [{name: conv}]", double, EDGE)
    assert what == "several steps of the model are called 'conv'"
