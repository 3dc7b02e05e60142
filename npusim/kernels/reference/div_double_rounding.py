"""Quotient of two quantized tensors in fixed point (TFLite's kernel).

The reciprocal of the divisor is a mantissa in Q0.31 with an exponent, by Newton's method. The
dividend is shifted left as far as it fits 31 bits, multiplied, and rescaled with two roundings.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.kernels.reference.reciprocal import one_over_one_plus
from npusim.numerics.pairs import FixedPointQuotient
from npusim.numerics.requantize import (
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)

Array = np.ndarray

_WIDTH = 32
_BEYOND = 1 << 40


def div_double_rounding(a: Array, b: Array, out: Array, p: FixedPointQuotient) -> None:
    """a, b, out int8|uint8 of one shape; x / 0 saturates, 0 / 0 is 0."""
    divisor = b.astype(np.int64) - p.b_zero
    dividend = (a.astype(np.int64) - p.a_zero) * np.where(divisor < 0, -1, 1)
    size = np.where(divisor == 0, 1, np.abs(divisor))
    digits = _digits(size)
    reciprocal = one_over_one_plus((size << (32 - digits)) - (1 << 31))
    headroom = np.where(
        dividend < 0, 32 - _digits(2 * np.abs(dividend) - 1), 31 - _digits(dividend)
    )
    quotient = saturating_rounding_doubling_high_mul(dividend << headroom, reciprocal)
    scaled = saturating_rounding_doubling_high_mul(quotient, np.asarray(p.multiplier))
    result = _shifted_right(scaled, headroom + digits - 1 - p.shift)
    store(np.where(divisor == 0, np.sign(dividend) * _BEYOND, result), p.y_zero, p.low, p.high, out)


def _shifted_right(x: Array, bits: Array) -> Array:
    """x / 2^bits, ties away from zero; from 32 bits on what TFLite's code gives on x86.

    There the shift counts modulo 32 and every remainder of a number that is not negative rounds up,
    so quotients that should vanish saturate.
    """
    rounded = rounding_divide_by_power_of_two(x, np.clip(bits, 0, _WIDTH - 1))
    wrapped = (x >> (bits & (_WIDTH - 1))) + (x >= 0)
    shifted: Array = np.where(bits >= _WIDTH, wrapped, rounded)
    return shifted


def _digits(x: Array) -> Array:
    """Number of binary digits of integers >= 0."""
    return np.asarray(np.frexp(np.maximum(x, 0).astype(np.float64))[1], np.int64)
