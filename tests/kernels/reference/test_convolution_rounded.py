"""The definition of floating-point sums equals exact rational arithmetic, every output of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from npusim.doctor import float_cases
from npusim.doctor.draws import Draw, bounds
from npusim.ir.loopnest import Tile
from npusim.kernels.table import kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_sums import add
from npusim.numerics.floats import decode_table
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format
from tests.support import exact_floats
from tests.support.drawn import cases_of


def small(draw: Draw) -> float_cases.FloatConvolutionCase:
    """A convolution of a few outputs and up to 36 products each."""
    b, g, c = draw.integer(1, 2), draw.integer(1, 2), draw.integer(1, 9)
    k, taps_y, taps_x = (draw.integer(1, 2) for _ in range(3))
    height, width = draw.integer(1, 3), draw.integer(1, 3)
    limits = [bounds(draw, extent) for extent in (b, g, k, c, 2, 2)]
    tile = Tile(*(bound for pair in limits for bound in pair))
    how = float_cases.accumulation(draw)
    return float_cases.FloatConvolutionCase(
        float_cases.numbers(
            draw, draw.choice(float_cases.OPERANDS), (b, height, width, g, c)
        ),
        float_cases.numbers(
            draw, draw.choice(float_cases.OPERANDS), (g, k, taps_y, taps_x, c)
        ),
        float_cases.numbers(
            draw, how.format, tuple(tile[i + 1] - tile[i] for i in (0, 8, 10, 2, 4))
        ),
        tile,
        (*(draw.integer(1, 2) for _ in range(4)), draw.integer(0, 1), draw.integer(0, 1)),
        how,
    )  # fmt: skip


@given(cases_of(small))
def test_every_sum_is_that_of_exact_fractions(case: float_cases.FloatConvolutionCase) -> None:
    expected = exact_floats.convolution(
        case.x, case.w, case.acc, case.tile, case.geometry, case.accumulation
    )
    found = case.run(kernels("reference"))
    np.testing.assert_array_equal(found, float_cases.float_bits(expected))


def summed(terms: list[tuple[float, float]], how: Accumulation, start: float = 0.0) -> float:
    """The sum of products, one channel a product."""
    x = np.array([a for a, _ in terms], np.float32).reshape(1, 1, 1, 1, -1)
    w = np.array([b for _, b in terms], np.float32).reshape(1, 1, 1, 1, -1)
    acc = np.full((1, 1, 1, 1, 1), start, np.float32)
    tile = (0, 1, 0, 1, 0, 1, 0, len(terms), 0, 1, 0, 1)
    kernels("reference").get("conv_accumulate_float")(x, w, acc, tile, (1, 1, 1, 1, 0, 0), how)
    return float(acc.item())


def through_float32(a: float, b: float, start: float) -> float:
    """A float32 fused multiply-add, then rounded to fp16: two roundings."""
    fused = np.float32(Fraction(a) * Fraction(b) + Fraction(start))
    return float(np.float16(fused))


def test_float32_and_then_fp16_is_wrong_for_products_of_fp16() -> None:
    """The sum is 2^-31 below the middle of two fp16; in float32 it is the middle, a tie."""
    a, b, start = 1 + 2.0**-10, 2.0**-11 * (1 - 2.0**-10), 1 + 2.0**-10
    assert all(float(np.float16(value)) == value for value in (a, b, start))
    assert Fraction(a) * Fraction(b) + Fraction(start) < 1 + Fraction(3) / 2**11
    assert summed([(a, b)], Accumulation(FP16, "infinity"), start) == 1 + 2.0**-10
    assert through_float32(a, b, start) == 1 + 2.0**-9


@pytest.mark.parametrize("fmt", [FP8_E4M3, FP8_E5M2])
def test_float32_and_then_fp16_is_right_for_products_of_fp8(fmt: Format) -> None:
    """Every pair of positive codes on sums near the middle of two fp16: no double rounding."""
    values = decode_table(fmt)[:128]
    values = values[np.isfinite(values)].astype(np.float64)
    rng = np.random.default_rng(0)
    products = (values[:, None] * values).reshape(-1)
    codes = rng.integers(0, 2**16, (64, products.size)).astype(np.uint16)
    starts = codes.view(np.float16).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        twice = (starts + products).astype(np.float32).astype(np.float16)
    once = add(starts, np.broadcast_to(products, starts.shape), Accumulation(FP16, "infinity"))
    np.testing.assert_array_equal(twice.astype(np.float64), once)


def test_the_order_and_the_roundings_are_seen() -> None:
    terms = [(2048.0, 1.0), (1.0, 1.0), (1.0, 1.0), (-2048.0, 1.0)]
    sums = {tree: summed(terms, Accumulation(FP16, "infinity", tree=tree)) for tree in (1, 2, 3, 4)}
    # 2048 + 1 is 2048 in fp16. Pairs: (2048 + 1) and (1 - 2048), then 2048 - 2047.
    assert sums == {1: 0.0, 2: 1.0, 3: 0.0, 4: 1.0}


def test_a_product_that_is_rounded_first_may_be_lost() -> None:
    tiny = [(2.0**-13, 2.0**-13), (2.0**-13, 2.0**-13)]
    exact, rounded = Accumulation(FP16, "infinity"), Accumulation(FP16, products="rounded")
    assert summed(tiny, exact, 2.0**-24) == 2.0**-24
    assert summed([(2.0**-12, 2.0**-13)], exact, 2.0**-24) == 2.0**-23
    assert summed([(2.0**-12, 2.0**-13)], rounded, 2.0**-24) == 2.0**-24


@pytest.mark.parametrize(("fmt", "greatest"), [(FP16, 65504.0), (BF16, 255 * 2.0**120)])
def test_overflow_is_infinite_or_saturates(fmt: Format, greatest: float) -> None:
    terms = [(greatest, 1.0), (greatest, 1.0)]
    assert summed(terms, Accumulation(fmt, "infinity")) == np.inf
    assert summed(terms, Accumulation(fmt, "saturate")) == greatest
    assert summed([(-np.inf, 1.0)], Accumulation(fmt, "saturate")) == -greatest
    assert np.isnan(summed([(np.inf, 0.0)], Accumulation(fmt, "saturate")))


def test_a_subnormal_sum_is_kept_or_flushed_to_a_zero_of_its_sign() -> None:
    terms = [(-(2.0**-20), 1.0)]
    assert summed(terms, Accumulation(FP16, "infinity")) == -(2.0**-20)
    flushed = summed(terms, Accumulation(FP16, "infinity", subnormals="flush"))
    assert flushed == 0 and np.signbit(flushed)


def test_padding_is_multiplied() -> None:
    x, w = np.ones((1, 1, 1, 1, 1), np.float32), np.full((1, 1, 1, 2, 1), np.inf, np.float32)
    acc = np.zeros((1, 1, 2, 1, 1), np.float32)
    tile = (0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 2)
    how = Accumulation(FP32, "infinity")
    kernels("reference").get("conv_accumulate_float")(x, w, acc, tile, (1, 1, 1, 1, 0, 1), how)
    assert np.isnan(acc).all()
