"""Logistic, hyperbolic tangent, error function and exponential as ONNX Runtime computes them.

In float32: rational and polynomial approximations with fused multiply-adds. The coefficients are
those of `logistic.cpp`, `tanh.cpp`, `erf.cpp` and `compute.cpp` in `onnxruntime/core/mlas/lib` of
ONNX Runtime 1.31.1; its AVX2 and AVX-512 kernels take the same steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.numerics.onnx_runtime import fused_multiply_add as fma

Array = np.ndarray

LOGISTIC_BOUND = np.float32(18.0)
LOGISTIC_NUMERATOR = (
    4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03,
    2.48287947061529e-01,
)  # fmt: skip
LOGISTIC_DENOMINATOR = (
    6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03,
    1.16817656904453e-01, 9.93151921023180e-01,
)  # fmt: skip

TANH_BOUND = np.float32(9.0)
TANH_NUMERATOR = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
TANH_DENOMINATOR = (
    1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03,
)  # fmt: skip

ERF_BOUND = np.float32(3.925)
ERF_SPLIT = np.float32(0.921875)
ERF_SMALL = (
    -5.99104969e-4, 4.99339588e-3, -2.67667342e-2, 1.12818025e-1, -3.76124859e-1, 1.28379151e-1,
)  # fmt: skip
ERF_BIG = (
    1.72948930e-5, -3.83208680e-4, 3.88393435e-3, -2.42545605e-2, 1.06777847e-1, 6.34846687e-1,
    1.28717512e-1,
)  # fmt: skip
ERF_EXP_LOWEST = np.float32(-88.3762626647949)
LOG2_RECIPROCAL = np.float32(1.44269504088896341)
LOG2_HIGH, LOG2_LOW = np.float32(-6.93145752e-1), np.float32(-1.42860677e-6)
ROUNDING = np.float32(1.25829120e7)
"""1.5 * 2^23: adding it and taking it away again rounds to an integer."""
ERF_EXP = (
    1.38319808e-3, 8.37550033e-3, 4.16689515e-2, 1.66664466e-1, 4.99999851e-1, 1.0, 1.0,
)  # fmt: skip
"""The exponential inside the error function has coefficients of its own."""

EXP_LOWEST, EXP_HIGHEST = np.float32(-103.9720840454), np.float32(88.7762626647950)
EXP = (
    1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1.0, 1.0,
)  # fmt: skip


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), float32."""
    x = np.clip(x, -LOGISTIC_BOUND, LOGISTIC_BOUND)
    square = x * x
    numerator = horner(LOGISTIC_NUMERATOR, square) * x
    value = numerator / horner(LOGISTIC_DENOMINATOR, square) + np.float32(0.5)
    return np.asarray(np.clip(value, np.float32(0.0), np.float32(1.0)))


def tanh(x: Array) -> Array:
    """Hyperbolic tangent, float32."""
    x = np.clip(x, -TANH_BOUND, TANH_BOUND)
    square = x * x
    return np.asarray(horner(TANH_NUMERATOR, square) * x / horner(TANH_DENOMINATOR, square))


def erf(x: Array) -> Array:
    """Error function, float32: a polynomial in x up to the split, 1 - exp(polynomial) beyond."""
    size = np.minimum(np.abs(x), ERF_BOUND)
    small = fma(horner(ERF_SMALL, size * size), size, size)
    exponent = np.maximum(ERF_EXP_LOWEST, -fma(horner(ERF_BIG, size), size, size))
    big = np.float32(1.0) - _exponential(exponent, ERF_EXP)
    return np.asarray(np.copysign(np.where(size > ERF_SPLIT, big, small), x))


def exp(x: Array) -> Array:
    """Exponential, float32."""
    return _exponential(np.clip(x, EXP_LOWEST, EXP_HIGHEST), EXP)


def _exponential(x: Array, coefficients: Sequence[float]) -> Array:
    """2^steps times a polynomial in what is left of x."""
    steps = fma(LOG2_RECIPROCAL, x, ROUNDING) - ROUNDING
    rest = fma(steps, LOG2_LOW, fma(steps, LOG2_HIGH, x))
    return np.asarray(np.ldexp(horner(coefficients, rest), steps.astype(np.int32)))


def horner(coefficients: Sequence[float], x: Array) -> Array:
    """The polynomial with `coefficients`, highest power first, by fused multiply-adds."""
    total = np.broadcast_to(np.float32(coefficients[0]), x.shape)
    for coefficient in coefficients[1:]:
        total = fma(total, x, np.float32(coefficient))
    return total
