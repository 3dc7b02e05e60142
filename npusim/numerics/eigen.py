"""Exponential and logarithm as the Eigen library computes them in float32.

ONNX Runtime uses them where it has no kernel of its own: Log, Elu, Softplus. Every step rounds, no
multiplication is fused with an addition. The coefficients are those of `GenericPacketMathFunctions`
in Eigen 3.4 and later (`pexp_float`, `plog_impl_float`, `generic_log1p`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray

ONE, HALF = np.float32(1.0), np.float32(0.5)
EXP_LOWEST, EXP_HIGHEST = np.float32(-104.0), np.float32(88.723)
LOG2_E = np.float32(1.44269504088896341)
LN2_HIGH, LN2_LOW = np.float32(-0.693359375), np.float32(2.12194440e-4)
EXP_EVEN = (1.37449637986719608306884765625e-3, 4.166965186595916748046875e-2,
            0.49999988079071044921875)  # fmt: skip
EXP_ODD = (8.36894474923610687255859375e-3, 0.16666518151760101318359375)
SQRT_HALF = np.float32(0.707106781186547524)
LN2 = np.float32(np.log(2.0))
LOG_NUMERATOR = (0.18256296349849254, 1.0000000190281063, 1.0000000190281136)
LOG_DENOMINATOR = (0.049616247954120038, 0.59923249590823520, 1.4999999999999927, 1.0)


def exp(x: Array) -> Array:
    """Exponential of an array float32."""
    x = np.clip(x, EXP_LOWEST, EXP_HIGHEST)
    power = np.floor(x * LOG2_E + HALF)
    rest = power * LN2_LOW + (power * LN2_HIGH + x)
    square = rest * rest
    inner = rest * polynomial(EXP_ODD, square) + polynomial(EXP_EVEN, square)
    return np.asarray(np.ldexp(square * inner + (rest + ONE), power.astype(np.int32)))


def log(x: Array) -> Array:
    """Natural logarithm of an array float32; NaN below zero, minus infinity at zero."""
    fraction, exponent = np.frexp(x)
    small = fraction < SQRT_HALF
    centred = (fraction - ONE) + np.where(small, fraction, np.float32(0.0))
    power = (exponent - small).astype(np.float32)
    ratio = centred * polynomial(LOG_NUMERATOR, centred) / polynomial(LOG_DENOMINATOR, centred)
    value = power * LN2 + ratio
    value = np.where(x == np.inf, x, np.where(x == 0, np.float32(-np.inf), value))
    return np.where((x < 0) | np.isnan(x), np.float32(np.nan), value)


def log1p(x: Array) -> Array:
    """log(1 + x) of an array float32, x >= 0."""
    sum_ = x + ONE
    corrected = x * (log(sum_) / (sum_ - ONE))
    return np.where((sum_ == ONE) | (sum_ == np.inf), x, corrected)


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """The polynomial with `coefficients`, highest power first."""
    total = np.broadcast_to(np.float32(coefficients[0]), x.shape)
    for coefficient in coefficients[1:]:
        total = total * x + np.float32(coefficient)
    return total
