"""Layers on several threads: the same bits with any number, also in a forked process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given

from npusim.errors import UsageError
from npusim.kernels import threads
from npusim.kernels.table import kernels, native_available
from npusim.numerics.requantize import make_requantizer
from tests.support import kernel_cases as cases

needs_c = pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")


@pytest.fixture(params=["generic", "avx2", "avx512-vnni"])
def small_parts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Layers divided however small they are, on each instruction set of this processor."""
    from npusim.kernels.native import (
        INSTRUCTION_SETS,
        divide_layers_from,
        instruction_set,
        limit_instructions,
    )

    limit_instructions(request.param)
    found = instruction_set()
    divide_layers_from(1)
    if found == request.param:
        yield
    divide_layers_from(None)
    limit_instructions(INSTRUCTION_SETS[-1])
    if found != request.param:
        pytest.skip(f"this processor has no {request.param}")


@needs_c
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("depthwise", [False, True])
def test_any_number_of_threads_gives_the_same_bits(depthwise: bool) -> None:
    @given(cases.layers(depthwise))
    def check(case: cases.LayerCase) -> None:
        expected = case.run(kernels("reference"))
        for number in (1, 2, 3):
            with threads.limited(number):
                np.testing.assert_array_equal(case.run(kernels("c")), expected)

    check()


def _outputs(seed: int) -> list[bytes]:
    """Of a layer large enough to be divided, by images, by rows and by filters."""
    rng = np.random.default_rng(seed)
    found = []
    layers = (
        ((6, 9, 40, 1, 64), 160),
        ((1, 50, 45, 1, 64), 160),
        ((1, 1, 9, 1, 999), 1999),
    )
    for shape, filters in layers:
        x = rng.integers(-128, 128, shape).astype(np.int8)
        w = rng.integers(-128, 128, (1, filters, 1, 1, shape[4])).astype(np.int8)
        scale = np.full(filters, 1e-3)
        drain = make_requantizer("float32_rint", scale.astype(np.float32), scale, 0, -128, 127)
        bias = np.zeros(filters, np.int32)
        make = kernels("c").get("convolution_layer")
        layer = make(w, np.zeros((1, filters), np.int32), 3, (1, 1, 1, 1, 0, 0), bias, drain)
        out = np.zeros((*shape[:3], 1, filters), np.int8)
        layer(x, out)
        found.append(out.tobytes())
    return found


def _outputs_on_two(seed: int) -> list[bytes]:
    with threads.limited(2):
        return _outputs(seed)


@needs_c
def test_calls_at_once_and_forked_processes_compute_too() -> None:
    seeds = range(4)
    expected = [_outputs(seed) for seed in seeds]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(_outputs_on_two, seeds)) == expected
    with multiprocessing.get_context("fork").Pool(2) as processes:
        assert processes.map(_outputs_on_two, seeds) == expected


def test_the_number_holds_inside_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    assert threads.allowed() == 1
    with threads.limited(3):
        assert threads.allowed() == 3
        with threads.limited(None):
            assert threads.allowed() == 1
    assert threads.allowed() == 1
    monkeypatch.setenv(threads.VARIABLE, "2")
    with threads.limited(None):
        assert threads.allowed() == 2


@pytest.mark.parametrize("wrong", [0, -1, 65, 1.5, "2", True])
def test_what_is_no_number_of_threads_is_refused(wrong: object) -> None:
    with (
        pytest.raises(UsageError, match="whole number from 1 to 64"),
        threads.limited(wrong),
    ):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("wrong", ["0", "two", "-1", "999"])
def test_a_wrong_number_in_the_environment_is_refused(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(threads.VARIABLE, wrong)
    with pytest.raises(UsageError, match=threads.VARIABLE), threads.limited(None):
        pass
