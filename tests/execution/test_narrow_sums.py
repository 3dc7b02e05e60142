"""Accumulators of other widths: tiles never change a bit, enough bits change none, few some."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.errors import UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.frontend import load_model
from npusim.hardware.loader import load_hardware
from npusim.hardware.schema import Hardware
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.program import Program
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import program_of, random_programs
from tests.support.tflite_cases import inputs_for
from tests.support.tflite_wide import PRODUCTS8X4, PRODUCTS16X8
from tests.support.weights import random_inputs, with_random_constants

PATHS = ("reference", kernels().path)


def summing(hardware: Hardware, bits: int, on_overflow: str, tree: int = 1) -> Hardware:
    """The same hardware with other accumulators."""
    array = hardware.mac_array
    sums = array.accumulator.model_copy(
        update={"format": f"int{bits}", "on_overflow": on_overflow, "tree": tree}
    )
    changed = array.model_copy(update={"accumulator": sums})
    return hardware.model_copy(update={"mac_array": changed})


def outputs(program: Program, path: str = "reference", **options: object) -> list[np.ndarray]:
    executor = Executor(program, profile_named(program.graph.profile), kernels(path))
    found = executor.run(random_inputs(program.graph, 7), **options)  # type: ignore[arg-type]
    return list(found.values())


def assert_equal(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=25)
@given(
    random_programs(), st.sampled_from([12, 16, 20, 24, 40]), st.sampled_from(["wrap", "saturate"]),
    st.sampled_from([1, 3, 16]), st.integers(0, 2**31),
)  # fmt: skip
def test_tile_by_tile_equals_layer_at_once(
    program: Program, bits: int, on_overflow: str, tree: int, seed: int
) -> None:
    program = with_random_constants(program, seed)
    hardware = summing(program.hardware, bits, on_overflow, tree)
    program = dataclasses.replace(program, hardware=hardware)
    expected = outputs(program)
    for path in PATHS:
        assert_equal(outputs(program, path, by_tiles=True), expected)
        assert_equal(outputs(program, path), expected)


@settings(max_examples=25)
@given(random_programs(), st.integers(0, 2**31))
def test_enough_bits_are_int32(program: Program, seed: int) -> None:
    program = with_random_constants(program, seed)
    expected = outputs(program)
    for bits, on_overflow in ((28, "saturate"), (28, "wrap"), (48, "saturate")):
        hardware = summing(program.hardware, bits, on_overflow)
        assert_equal(outputs(dataclasses.replace(program, hardware=hardware)), expected)


def _deep() -> Program:
    build = Build()
    build.conv(build.input(1, 9, 7, 64), 12, (3, 3), padding=(1, 1, 1, 1), bias=True)
    return with_random_constants(program_of(build.graph(), tiny()), 3)


def test_fewer_bits_change_more_outputs() -> None:
    program = _deep()
    exact = outputs(program)[0].astype(int)
    errors = []
    for bits in (24, 18, 16, 14):
        narrow = dataclasses.replace(program, hardware=summing(program.hardware, bits, "saturate"))
        errors.append(np.abs(outputs(narrow)[0] - exact).sum())
    assert errors[0] == 0 < errors[-1]
    assert errors == sorted(errors)


def test_sums_of_integers_in_a_float_are_refused() -> None:
    program = _deep()
    array = program.hardware.mac_array
    floats = {key: value.model_copy(update={"accumulator": "fp32"})
              for key, value in array.precisions.items()}  # fmt: skip
    changed = array.model_copy(update={"precisions": floats})
    hardware = program.hardware.model_copy(update={"mac_array": changed})
    with pytest.raises(UnsupportedModelError, match="stored integers can't be summed in fp32"):
        outputs(dataclasses.replace(program, hardware=hardware))


@pytest.mark.parametrize("kind", list(PRODUCTS16X8))
@pytest.mark.parametrize("accumulator", ["int40", "int30", "int24"])
@pytest.mark.parametrize("on_overflow", ["wrap", "saturate"])
def test_wide_and_narrow_operands_by_tiles(
    kind: str, accumulator: str, on_overflow: str, tmp_path: Path
) -> None:
    hardware = load_hardware("edge-npu-1", {
        "mac_array.precisions": {"int8*int8": 1, "int16*int8": 0.5},
        "mac_array.accumulator.format": accumulator,
        "mac_array.accumulator.on_overflow": on_overflow,
        "mac_array.rows": 4, "mac_array.cols": 4, "memory.sram.size": "4 KiB",
    })  # fmt: skip
    for seed, table in enumerate((PRODUCTS16X8, PRODUCTS16X8, PRODUCTS8X4)):
        if kind not in table:
            continue
        rng = np.random.default_rng([seed, 1])
        model = table[kind](rng, "int16")
        file = tmp_path / "model.tflite"
        file.write_bytes(model.content())
        program = program_of(load_model(file), hardware)
        assert program.steps[0].pair
        inputs = inputs_for(model, rng)
        profile = profile_named("tflite-reference")
        runs = [
            Executor(program, profile, kernels(path)).run(inputs, by_tiles=by_tiles)
            for path in PATHS
            for by_tiles in (False, True)
        ]
        for found in runs[1:]:
            assert_equal(list(found.values()), list(runs[0].values()))
