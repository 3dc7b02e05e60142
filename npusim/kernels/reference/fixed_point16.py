"""exp, logistic and tanh of 16-bit fixed-point numbers, as TFLite's LSTM computes them.

A number of format Qm.f (m + f = 15) is stored as int16: value * 2^f. Products are rounded doubling
high products of 16 bits. For x <= 0, exp is a polynomial on [-1/4, 0) times one factor exp(-2^k) a
set bit of the rest; logistic(x) = 1 / (1 + exp(-|x|)) and tanh(x) = (1 - e) / (1 + e) with
e = exp(-2 |x|) divide by Newton's method. The constants are those of 32 bits, rounded. Functions
take and return int64 arrays of int16 values.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import rounding_divide_by_power_of_two

Array = np.ndarray

_BITS = 15
_ONE = 2**_BITS - 1
_LOWEST = -(2**_BITS)
_ONE_Q2 = 1 << (_BITS - 2)
_NEWTON_STEPS = 3
_LOWEST_FACTOR, _HIGHEST_FACTOR = -2, 4
_MOST_INTEGER_BITS_OF_FACTORS = 5
"""exp(-2^k) for k in -2 .. 4 covers the bits of numbers above -32."""


def logistic(x: Array, integer_bits: int) -> Array:
    """1 / (1 + exp(-x)) in Q0.15 of x in Q`integer_bits`."""
    positive = _one_over_one_plus(_exp(_wrap(-np.abs(x)), integer_bits))
    half = 1 << (_BITS - 1)
    signed: Array = np.where(x > 0, positive, _ONE - positive)
    return np.where(x == 0, half, signed)


def tanh(x: Array, integer_bits: int) -> Array:
    """Hyperbolic tangent in Q0.15 of x in Q`integer_bits`."""
    negative = np.where(x < 0, x, -x)
    magnitude = _one_minus_over_one_plus(_exp(negative, integer_bits + 1))
    signed: Array = np.where(x < 0, -magnitude, magnitude)
    return np.where(x == 0, 0, signed)


def _exp(x: Array, integer_bits: int) -> Array:
    """exp of x <= 0 (Q`integer_bits`) in Q0.15; 1 is the largest number of Q0.15."""
    fraction_bits = _BITS - integer_bits
    quarter = 1 << (fraction_bits - 2)
    low_part = (x & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_0(low_part << integer_bits)
    remainder = low_part - x
    for power in range(_LOWEST_FACTOR, _HIGHEST_FACTOR + 1):
        if integer_bits > power:
            is_set = (remainder >> (fraction_bits + power)) & 1
            factor = _constant(np.exp(-(2.0**power)), 31)
            result = np.where(is_set == 1, _mul(result, factor), result)
    if integer_bits > _MOST_INTEGER_BITS_OF_FACTORS:
        result = np.where(x < -(32 << fraction_bits), 0, result)
    exponential: Array = np.where(x == 0, _ONE, result)
    return exponential


def _exp_between_minus_quarter_and_0(a: Array) -> Array:
    """exp(-1/8) times the Taylor polynomial of degree 4 around -1/8; a and the result in Q0.15."""
    centre = _constant(np.exp(-0.125), 31)
    x = a + (1 << (_BITS - 3))
    x2 = _mul(x, x)
    x3, x4 = _mul(x2, x), _mul(x2, x2)
    higher = _shifted(_mul(_shifted(x4, 2) + x3, _constant(1 / 3, 31)) + x2, 1)
    return _saturate(centre + _mul(_wrap(x + higher), centre))


def _newton(a: Array) -> Array:
    """2 / (1 + a) in Q2.13 for a (Q0.15) in [0, 1], from the best line by three steps."""
    total = a + _ONE
    half_denominator = np.sign(total) * ((np.abs(total) + 1) >> 1)
    x = _constant(48 / 17, 29) + _mul(half_denominator, _constant(-32 / 17, 29))
    for _ in range(_NEWTON_STEPS):
        error = _ONE_Q2 - _mul(half_denominator, x)
        x = _wrap(x + _saturate(_mul(x, error) << 2))
    return np.asarray(x)


def _one_over_one_plus(a: Array) -> Array:
    return _saturate(_newton(a) << 1)


def _one_minus_over_one_plus(a: Array) -> Array:
    return _saturate((_newton(a) - _ONE_Q2) << 2)


def _constant(value: float, fraction_bits: int) -> Array:
    """`value` as int16, rounded from the 32-bit constant with `fraction_bits`."""
    return _shifted(np.array(round(value * 2.0**fraction_bits), np.int64), 16)


def _mul(a: Array, b: Array) -> Array:
    """round(a * b / 2^15), ties upwards in magnitude; the two lowest values saturate."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    high = np.where(nudged >= 0, nudged >> _BITS, -((-nudged) >> _BITS))
    saturated: Array = np.where((a == _LOWEST) & (b == _LOWEST), _ONE, high)
    return saturated


def _shifted(a: Array, bits: int) -> Array:
    return rounding_divide_by_power_of_two(a, np.array(bits, np.int64))


def _saturate(a: Array) -> Array:
    bounded: Array = np.clip(a, _LOWEST, _ONE)
    return bounded


def _wrap(a: Array) -> Array:
    """Two's complement wrap to 16 bits."""
    wrapped: Array = ((a + 2**_BITS) & 0xFFFF) - 2**_BITS
    return wrapped
