"""Rows over their Euclidean length in fixed point (TFLite's reference kernel).

The sum of squares is exact; its inverse square root comes from Newton's method in Q3.28 on an even
power of two of it, with a shift beside it. Each element times that is rounded twice, in steps of
1/128; TFLite shifts uint8 to these steps before the product, int8 after it.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.kernels.reference.reciprocal import saturated
from npusim.numerics.reductions import UnitLength
from npusim.numerics.requantize import (
    multiply_by_quantized_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)

Array = np.ndarray

OUTPUT_SHIFT = 7
"""The output has steps of 2^-7."""
_ONE = 1 << 28
_THREE_HALVES = 3 << 27
_HALF_SQRT_2 = round(np.sqrt(0.5) * 2.0**31)
_STEPS = 5
_START_SHIFT = 11
_LARGEST = 1 << 29
"""Sums are brought below this, and to at least a quarter of it."""
_HIGHEST = 2**31 - 1


def l2_normalization_fixed_point(x: Array, out: Array, p: UnitLength) -> None:
    """x, out int8|uint8 [..., n]."""
    values = x.astype(np.int64) - p.x_zero
    multiplier, shift = inverse_root((values * values).sum(axis=-1, keepdims=True))
    if p.shift_first:
        scaled = multiply_by_quantized_multiplier(values << OUTPUT_SHIFT, multiplier, shift)
    else:
        scaled = multiply_by_quantized_multiplier(values, multiplier, shift + OUTPUT_SHIFT)
    store(scaled, p.y_zero, p.low, p.high, out)


def inverse_root(total: Array) -> tuple[Array, Array]:
    """1 / sqrt(total) of integers >= 0 as multiplier (Q0.31) and shift (left); 0 counts as 1."""
    mantissa, right = np.maximum(total, 2), np.full(total.shape, _START_SHIFT, np.int64)
    while (mantissa >= _LARGEST).any():
        right += mantissa >= _LARGEST
        mantissa = np.where(mantissa >= _LARGEST, mantissa // 4, mantissa)
    digits = np.frexp(mantissa.astype(np.float64))[1].astype(np.int64)
    pairs = (31 - digits) // 2 - 1
    x = _newton((mantissa << (2 * pairs)) >> 1)
    root = _mul(x, np.asarray(_HALF_SQRT_2))
    right = right - pairs
    root = np.where(right < 0, root << np.maximum(-right, 0), root)
    right = np.maximum(right, 0)
    is_one = total <= 1
    return np.where(is_one, _HIGHEST, root), np.where(is_one, 0, -right)


def _newton(a: Array) -> Array:
    """1 / sqrt(a) for a in Q3.28, from the guess 1."""
    half = rounding_divide_by_power_of_two(a, np.asarray(1))
    x = np.full(a.shape, _ONE, np.int64)
    for _ in range(_STEPS):
        cube = saturated(_mul(_mul(x, x), x) << 6)
        x = saturated((_mul(np.asarray(_THREE_HALVES), x) - _mul(half, cube)) << 3)
    return x


def _mul(a: Array, b: Array) -> Array:
    return saturating_rounding_doubling_high_mul(a, b)
