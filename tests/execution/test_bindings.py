"""Kernels are bound once a graph, arithmetic and path, and dropped with the graph."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest

from npusim import api
from npusim.execution import executor
from npusim.execution.bindings import MOST, bound_once
from npusim.execution.drawn import random_inputs
from npusim.kernels.table import Kernels, kernels
from npusim.numerics.profiles import PROFILES, Profile, profile_named
from npusim.schedule.program import Program
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import program_of
from tests.support.weights import with_random_constants


def _program() -> Program:
    build = Build()
    build.conv(build.input(1, 6, 6, 4), 5, (3, 3), bias=True)
    return with_random_constants(program_of(build.graph(), tiny()), 0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were bound, in order."""
    found: list[str] = []
    usual = executor._bind_all

    def counted(program: Program, profile: Profile, own: Sequence[Kernels]) -> list:
        found.append(own[0].path)
        return usual(program, profile, own)

    monkeypatch.setattr(executor, "_bind_all", counted)
    return found


def test_a_second_inference_binds_nothing(made: list[str]) -> None:
    program = _program()
    first, second = (random_inputs(program.graph, seed) for seed in range(2))
    outputs = [api.infer(program, one) for one in (first, second, first)]
    assert len(made) == 1
    again = dataclasses.replace(program)
    np.testing.assert_equal(api.infer(again, second), outputs[1])
    assert len(made) == 1
    np.testing.assert_equal(outputs[0], outputs[2])


def test_another_path_arithmetic_or_graph_binds_anew(made: list[str]) -> None:
    program = _program()
    inputs = random_inputs(program.graph, 0)
    for path, profile in (("numba", "onnx"), ("reference", "onnx"), ("numba", "xnnpack")):
        for _ in range(2):
            api.infer(program, inputs, requantize=profile, kernels=path)
    assert made == ["numba", "reference", "numba"]
    graph = dataclasses.replace(program.graph)
    api.infer(dataclasses.replace(program, graph=graph), inputs, "onnx", "numba")
    assert len(made) == 4


def test_another_output_stage_binds_anew(made: list[str]) -> None:
    program = _program()
    inputs = random_inputs(program.graph, 0)
    for overflow in ("saturate", "nonsaturating", "saturate"):
        hardware = tiny(output_stage__fp8_overflow=overflow)
        api.infer(dataclasses.replace(program, hardware=hardware), inputs)
    assert len(made) == 2


def test_what_is_bound_goes_with_the_graph() -> None:
    program = _program()
    bound = executor.Executor(program, profile_named("onnx"), kernels("reference"))._bound
    kept = weakref.ref(bound[0])
    del bound
    assert kept() is not None
    del program
    gc.collect()
    assert kept() is None


def test_only_the_last_few_are_kept() -> None:
    program, calls = _program(), []

    def bind(_: Program, profile: Profile, __: Sequence[Kernels]) -> list:
        calls.append(profile.name)
        return []

    profiles = list(PROFILES.values())[: MOST + 1]
    for profile in (*profiles, profiles[-1], profiles[0]):
        bound_once(program, profile, kernels("reference"), bind)
    assert calls == [each.name for each in (*profiles, profiles[0])]
