"""Softmax in fixed point (TFLite's reference kernel).

For each row, with d = (x - max) * beta * sx in Q5.26:
  e = exp(d) in Q0.31, from a cubic-like polynomial on [-1/4, 0) and one factor exp(-2^k) a set bit;
  s = sum of e in Q12.19; r = 1 / s by three Newton steps on the mantissa;
  y = e * r, rounded to 8 bits.
Products are rounded doubling high products, as everywhere in TFLite; differences so low that d
would leave Q5.26 give exp = 0.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.reciprocal import one_over_one_plus
from npusim.numerics.requantize import (
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)
from npusim.numerics.softmax import INPUT_INTEGER_BITS, FixedPointSoftmax

Array = np.ndarray

SUM_INTEGER_BITS = 12
_FRACTION_BITS = 31 - INPUT_INTEGER_BITS
_ONE = 2**31 - 1
_LOWEST_FACTOR, _HIGHEST_FACTOR = -2, 4
"""exp(-2^k) for these k covers the bits of d between 1/4 and the integer bits."""


def softmax_fixed_point(x: Array, out: Array, p: FixedPointSoftmax) -> None:
    """x, out int8|uint8 [..., n]; one softmax a row."""
    values = x.astype(np.int64)
    difference = values - values.max(axis=-1, keepdims=True)
    taken = difference >= p.lowest_difference
    exponential = exponentials(difference, p)
    total = _shift(exponential, SUM_INTEGER_BITS).sum(axis=-1, keepdims=True)
    reciprocal, bits_over_unit = _reciprocal(total)
    unit_bits = 8
    share = _shift(_mul(exponential, reciprocal), bits_over_unit + 31 - unit_bits)
    result = np.where(taken, share + p.low, p.low)
    out[...] = np.clip(result, p.low, p.high).astype(out.dtype)


def exponentials(difference: Array, p: FixedPointSoftmax) -> Array:
    """exp of stored differences <= 0 in Q0.31, 0 below `p.lowest_difference`."""
    taken = difference >= p.lowest_difference
    scaled = _mul(np.where(taken, difference, 0) << p.left_shift, p.multiplier)
    exponential: Array = np.where(taken, exp_on_negative_values(scaled), 0)
    return exponential


def exp_on_negative_values(d: Array) -> Array:
    """exp of d (Q5.26, <= 0) in Q0.31; 1 is the largest number of Q0.31."""
    quarter = 1 << (_FRACTION_BITS - 2)
    low_part = (d & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_0(low_part << INPUT_INTEGER_BITS)
    remainder = low_part - d
    for power in range(_LOWEST_FACTOR, _HIGHEST_FACTOR + 1):
        factor = round(np.exp(-(2.0**power)) * 2.0**31)
        is_set = (remainder >> (_FRACTION_BITS + power)) & 1
        result = np.where(is_set == 1, _mul(result, factor), result)
    exponential: Array = np.where(d == 0, _ONE, result)
    return exponential


def _exp_between_minus_quarter_and_0(a: Array) -> Array:
    """exp of a (Q0.31): exp(-1/8) times the Taylor polynomial of degree 4 around -1/8."""
    centre = round(np.exp(-0.125) * 2.0**31)
    third = round(2.0**31 / 3.0)
    x = a + (1 << 28)
    x2 = _mul(x, x)
    x3 = _mul(x2, x)
    x4 = _mul(x2, x2)
    higher = _shift(_mul(_shift(x4, 2) + x3, third) + x2, 1)
    exponential: Array = centre + _mul(x + higher, centre)
    return exponential


def _reciprocal(total: Array) -> tuple[Array, Array]:
    """1 / total (Q12.19): a mantissa in Q0.31 and its exponent (bits over the unit)."""
    headroom = 31 - np.floor(np.log2(total.astype(np.float64))).astype(np.int64)
    fraction = (total << headroom) - (1 << 31)
    return one_over_one_plus(fraction), SUM_INTEGER_BITS - headroom


def _mul(a: Array, b: Array | int) -> Array:
    return saturating_rounding_doubling_high_mul(a, np.asarray(b, np.int64))


def _shift(a: Array, bits: Array | int) -> Array:
    return rounding_divide_by_power_of_two(a, np.asarray(bits, np.int64))
