"""The reciprocal of a fixed-point number by Newton's method (gemmlowp's, which TFLite uses)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import saturating_rounding_doubling_high_mul

Array = np.ndarray

NEWTON_START = round(48.0 / 17.0 * 2.0**29)
NEWTON_SLOPE = round(-32.0 / 17.0 * 2.0**29)
"""The line, in Q2.29, that comes closest to 1 / x for x in 1/2 .. 1."""
_NEWTON_STEPS = 3
_HIGHEST = 2**31 - 1


def one_over_one_plus(a: Array) -> Array:
    """1 / (1 + a) in Q0.31 for a (Q0.31) in [0, 1), by Newton's method in Q2.29."""
    half_denominator = (a + _HIGHEST + 1) >> 1
    x = NEWTON_START + _mul(half_denominator, NEWTON_SLOPE)
    for _ in range(_NEWTON_STEPS):
        error = (1 << 29) - _mul(half_denominator, x)
        x = x + saturated(_mul(x, error) << 2)
    return saturated(x << 1)


def saturated(a: Array) -> Array:
    """int64 values bounded to the range of int32."""
    bounded: Array = np.clip(a, -_HIGHEST - 1, _HIGHEST)
    return bounded


def _mul(a: Array, b: Array | int) -> Array:
    return saturating_rounding_doubling_high_mul(a, np.asarray(b, np.int64))
