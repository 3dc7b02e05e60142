"""The C kernels in floating point equal their reference to the bit, on every instruction set."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given

from npusim.doctor import float_cases
from npusim.ir.loopnest import Tile
from npusim.kernels.table import kernels, native_available
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.formats import FP16, FP32, INT32
from tests.support.drawn import cases_of

pytestmark = pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")


@pytest.fixture(params=["generic", "avx2", "avx512-vnni"], autouse=True)
def each_instruction_set(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every instruction set that this processor has, as on one that has no better."""
    from npusim.kernels.native import INSTRUCTION_SETS, instruction_set, limit_instructions

    limit_instructions(request.param)
    if instruction_set() != request.param:
        limit_instructions(INSTRUCTION_SETS[-1])
        pytest.skip(f"this processor has no {request.param}")
    yield
    limit_instructions(INSTRUCTION_SETS[-1])


@pytest.mark.parametrize("depthwise", [False, True])
def test_sums_equal_the_reference(depthwise: bool) -> None:
    @given(cases_of(lambda draw: float_cases.float_convolution(draw, depthwise)))
    def check(case: float_cases.FloatConvolutionCase) -> None:
        found, right = case.run(kernels("c")), case.run(kernels("reference"))
        np.testing.assert_array_equal(found, right)

    check()


def summed(terms: list[tuple[float, float]], start: float, how: Accumulation) -> float:
    """The sum of products, one channel a product, for one of 17 filters and 13 pixels."""
    x = np.zeros((13, 1, 1, 1, len(terms)), np.float32)
    w = np.zeros((1, 17, 1, 1, len(terms)), np.float32)
    x[:, 0, 0, 0], w[0, :, 0, 0] = [a for a, _ in terms], [b for _, b in terms]
    acc = np.full((13, 1, 1, 1, 17), start, np.float32)
    tile = Tile(0, 13, 0, 1, 0, 17, 0, len(terms), 0, 1, 0, 1)
    case = float_cases.FloatConvolutionCase(x, w, acc, tile, (1, 1, 1, 1, 0, 0), how)
    (sums,) = set(case.run(kernels("c")).view(np.float32).reshape(-1).tolist())
    return sums


def test_a_product_of_fp16_is_not_rounded_twice() -> None:
    """In float32 this sum is the middle of two fp16; it is 2^-31 less."""
    terms = [(1 + 2.0**-10, 2.0**-11 * (1 - 2.0**-10))]
    assert summed(terms, 1 + 2.0**-10, Accumulation(FP16, "infinity")) == 1 + 2.0**-10
    assert summed([(1.0, 2.0**-11)], 1 + 2.0**-10, Accumulation(FP16, "infinity")) == 1 + 2.0**-9


def test_a_pair_of_tiny_products_is_not_rounded_twice() -> None:
    """2^-25, the middle of 0 and the least fp16, and 2^-60, which float32 would drop."""
    how = Accumulation(FP16, "infinity", tree=2)
    assert summed([(2.0**-25, 1.0), (2.0**-60, 1.0)], 0.0, how) == 2.0**-24
    assert summed([(2.0**-25, 1.0), (0.0, 1.0)], 0.0, how) == 0.0


def test_products_that_float32_cannot_hold() -> None:
    how = Accumulation(FP16, "infinity")
    assert summed([(2.0**100, 2.0**100), (-(2.0**100), 2.0**100)], 0.0, how) != 0
    assert np.signbit(summed([(-(2.0**-100), 2.0**-100)], 0.0, how))
    assert summed([(2.0**-140, 2.0**9)], 0.0, Accumulation(FP32, "infinity")) == 2.0**-131


def _case() -> float_cases.FloatConvolutionCase:
    return float_cases.FloatConvolutionCase(
        np.zeros((2, 4, 4, 1, 3), np.float32),
        np.zeros((1, 5, 1, 1, 3), np.float32),
        np.zeros((2, 4, 4, 1, 5), np.float32),
        Tile(0, 2, 0, 1, 0, 5, 0, 3, 0, 4, 0, 4),
        (1, 1, 1, 1, 0, 0),
        Accumulation(FP16, "infinity"),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((2, 4, 4, 3), np.float32)},
        {"x": np.zeros((2, 4, 4, 1, 3), np.float64)},
        {"x": np.zeros((2, 4, 4, 2, 3), np.float32)},
        {"w": np.zeros((1, 5, 1, 1, 4), np.float32)},
        {"acc": np.zeros((2, 4, 4, 1, 4), np.float32)},
        {"acc": np.zeros((2, 4, 4, 1, 5), np.float16)},
        {"tile": Tile(0, 2, 0, 1, 1, 6, 0, 3, 0, 4, 0, 4)},
        {"tile": Tile(0, 2, 0, 1, 0, 5, 0, 3, -1, 3, 0, 4)},
        {"geometry": (0, 1, 1, 1, 0, 0)},
        {"geometry": (1, 1, 1, 1)},
        {"accumulation": Accumulation(INT32)},
        {"accumulation": Accumulation(FP16, "infinity", tree=0)},
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(_case(), **change).run(kernels("c"))
    assert (_case().run(kernels("c")) == 0).all()


def test_a_padding_beyond_the_fast_range_gives_the_same_bits() -> None:
    case = dataclasses.replace(_case(), geometry=(1, 1, 1, 1, 1 << 20, 0))
    np.testing.assert_array_equal(case.run(kernels("c")), case.run(kernels("reference")))
