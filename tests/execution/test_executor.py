"""Execution consumes the jobs that timing counts, and tiles never change a bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.ir.loopnest import Tile
from npusim.kernels.table import kernels
from npusim.numerics.profiles import PROFILES, profile_named
from npusim.schedule.program import Program
from npusim.schedule.tables import JOB_KINDS
from npusim.timing.counts import timed
from npusim.timing.records import WHOLE_LOG
from tests.support.evaluate import evaluate
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import all_jobs, program_of, random_programs, scheduled_programs
from tests.support.weights import random_inputs, with_random_constants

PATHS = ("reference", kernels().path)


def run(program: Program, profile: str, path: str, **options: object) -> dict[str, np.ndarray]:
    executor = Executor(program, profile_named(profile), kernels(path))
    return executor.run(random_inputs(program.graph, 7), **options)  # type: ignore[arg-type]


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@given(random_programs(), st.sampled_from(sorted(PROFILES)), st.integers(0, 2**31))
def test_tile_by_tile_equals_layer_at_once(program: Program, profile: str, seed: int) -> None:
    program = with_random_constants(program, seed)
    every = list(program.graph.tensors)
    computed = [name for name in every if not program.graph.tensors[name].is_constant]
    for path in PATHS:
        tiles = run(program, profile, path, by_tiles=True, keep=computed)
        assert same(tiles, run(program, profile, path, keep=computed))


@given(scheduled_programs(), st.integers(0, 2**31))
def test_the_program_computes_what_the_graph_means(program: Program, seed: int) -> None:
    program = with_random_constants(program, seed)
    graph = program.graph
    values = evaluate(graph, random_inputs(graph, 7))
    outputs = run(program, graph.profile, "reference", by_tiles=True)
    assert same(outputs, {name: values[name] for name in graph.outputs})


@given(random_programs())
def test_timing_and_execution_see_the_same_tiles(program: Program) -> None:
    seen: list[tuple[str, int, Tile]] = []
    run(
        program, program.graph.profile, "reference", by_tiles=True,
        observer=lambda kind, step, tile: seen.append((kind, step, tile)),
    )  # fmt: skip
    jobs = all_jobs(program)
    run_of = timed(program, WHOLE_LOG)
    assert [step for _, step, _ in seen] == run_of.log["step"].tolist()
    assert seen == [
        (JOB_KINDS[job["kind"]], int(job["step"]), Tile(*job["bounds"].tolist())) for job in jobs
    ]
    computed = [tile for kind, _, tile in seen if kind == "compute"]
    assert len(computed) == int(run_of.counts["tiles"].sum())


def _two_convolutions() -> Program:
    build = Build()
    x = build.conv(build.input(1, 9, 7, 5), 12, (3, 3), padding=(1, 1, 1, 1), bias=True)
    build.conv(x, 6, (1, 1))
    return program_of(build.graph(), tiny())


def test_kept_tensors_are_returned_and_others_are_not() -> None:
    program = _two_convolutions()
    graph = program.graph
    inner = graph.nodes[0].outputs[0]
    assert run(program, graph.profile, "reference").keys() == set(graph.outputs)
    kept = run(program, graph.profile, "reference", keep=[inner])
    assert kept.keys() == {inner, *graph.outputs}
    assert kept[inner].shape == graph.tensors[inner].shape


def test_inputs_are_not_written_to() -> None:
    program = with_random_constants(_two_convolutions(), 1)
    inputs = random_inputs(program.graph, 3)
    before = {name: array.copy() for name, array in inputs.items()}
    executor = Executor(program, profile_named(program.graph.profile), kernels())
    first = executor.run(inputs)
    assert same(inputs, before)
    assert same(executor.run(inputs), first)


def test_every_node_that_kernels_refuse_is_named() -> None:
    program = _two_convolutions()
    graph = program.graph
    tensors = {name: dataclasses.replace(t, quantization=None) for name, t in graph.tensors.items()}
    broken = dataclasses.replace(program, graph=dataclasses.replace(graph, tensors=tensors))
    with pytest.raises(UnsupportedModelError) as raised:
        Executor(broken, profile_named("onnx"), kernels())
    assert [problem.where for problem in raised.value.problems] == [
        f"node '{node.name}'" for node in graph.nodes
    ]
