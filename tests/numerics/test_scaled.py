"""Quantization with a scale for each element, beside exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from npusim.numerics.formats import FP8_E5M2, FP16, FP32, INT4, INT16, UINT8, Format
from npusim.numerics.quantization import Quantization
from npusim.numerics.scaled import Scaling, quantized_values, real_values

RNG = np.random.default_rng(0)


def exact(x: float, scale: float, zero: int, fmt: Format) -> int:
    """round(f32(x / scale)) + zero in Python's integers, ties to even."""
    quotient = Fraction(float(np.float32(x) / np.float32(scale)))
    return min(max(round(quotient) + zero, fmt.low), fmt.high)


@pytest.mark.parametrize("fmt", [INT4, UINT8, INT16], ids=lambda fmt: fmt.name)
def test_integers(fmt: Format) -> None:
    x = np.concatenate([RNG.normal(0, 60, 200), np.arange(-9.5, 9.5)]).astype(np.float32)
    scale = np.where(np.arange(x.size) < 200, RNG.uniform(0.1, 3, x.size), 1).astype(np.float32)
    zero = RNG.integers(0, 8, x.size).astype(np.int32)
    found = quantized_values(x, scale, zero, Scaling(FP32, fmt))
    expected = [exact(*numbers, fmt) for numbers in zip(x, scale, zero.tolist(), strict=True)]
    assert found.dtype == np.dtype(fmt.dtype) and found.tolist() == expected
    real = real_values(found, scale, zero, Scaling(fmt, FP32))
    difference = (found.astype(np.int32) - zero).astype(np.float32)
    np.testing.assert_array_equal(real, difference * scale)


def test_infinities_saturate_and_nan_is_the_lowest() -> None:
    x, ones = np.array([np.inf, -np.inf, np.nan], np.float32), np.ones(3, np.float32)
    found = quantized_values(x, ones, np.full(3, 3, np.int32), Scaling(FP32, INT4))
    assert found.tolist() == [7, -8, -8]


def test_the_quotient_has_a_format_of_its_own() -> None:
    x, scale = np.array([26.45], np.float16), np.array([np.float16(0.37)], np.float32)
    zero = np.zeros(1, np.int32)
    in_float32 = quantized_values(x, scale, zero, Scaling(FP16, INT16))
    in_fp16 = quantized_values(x, scale, zero, Scaling(FP16, INT16, division=FP16))
    assert float(x[0]) / float(scale[0]) < 71.5  # fp16 has 71.5 next to it, a tie
    assert (in_float32.item(), in_fp16.item()) == (71, 72)


def test_blocks_and_codes() -> None:
    """[4, 10] codes, a scale for each 4 along axis 1; the last block has two."""
    codes = RNG.integers(0, 0x7C, (4, 10)).astype(np.uint8)
    blocks = RNG.uniform(0.1, 2, (4, 3)).astype(np.float32)
    quantization = Quantization(blocks, np.zeros((4, 3), np.int32), 1, 4)
    scale, zero = quantization.spread(codes.shape)
    assert scale[2].tolist() == [blocks[2, at // 4] for at in range(10)]
    real = real_values(codes, scale, zero, Scaling(FP8_E5M2, FP32))
    expected = codes.view(ml_dtypes.float8_e5m2).astype(np.float32) * scale
    np.testing.assert_array_equal(real, expected)
    np.testing.assert_array_equal(quantization.real(codes, FP8_E5M2), expected)
    again = quantized_values(real, scale, zero, Scaling(FP32, FP8_E5M2))
    np.testing.assert_array_equal(again, codes)
