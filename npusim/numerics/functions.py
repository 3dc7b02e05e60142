"""Functions of one real number in float32: exact ones, and those that TFLite's kernels take.

TFLite fills its tables with the functions of the C library (`c_library.py`), XNNPACK as well. Each
function takes an array float32 of any shape and the operator's attributes, and gives one of the
same shape.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npusim.numerics import c_library
from npusim.numerics.trigonometry import trigonometric

Array = np.ndarray
Function = Callable[..., Array]

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
THREE, SIX = np.float32(3.0), np.float32(6.0)
SQRT_HALF = np.float32(np.sqrt(0.5))
SQRT_2_OVER_PI = np.float32(np.sqrt(2.0 / np.pi))
GELU_CUBIC = np.float32(0.044715)
"""Coefficient of the cube in the approximation of GELU by a hyperbolic tangent."""
LOGISTIC_ENDS = 100.0
"""Beyond this XNNPACK's logistic function is 0 or 1."""


def quietly(function: Callable[..., Any]) -> Function:
    """`function` without warnings: domain errors become NaN or infinities, as in C."""

    @functools.wraps(function)
    def quiet(x: Array, *attributes: object) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(x, *attributes), np.float32)

    return quiet


def made_of(expm1: Function, softplus: Function, tanh: Function) -> Mapping[str, Function]:
    """ELU and its relatives, and Mish, on somebody's exp(x) - 1, log(1 + exp(x)) and tanh."""

    def elu(x: Array, alpha: float) -> Array:
        return np.where(x >= 0, x, np.float32(alpha) * expm1(np.minimum(x, ZERO)))

    def celu(x: Array, alpha: float) -> Array:
        a = np.float32(alpha)
        return np.asarray(np.maximum(x, ZERO) + np.minimum(ZERO, a * expm1(x / a)))

    def selu(x: Array, alpha: float, gamma: float) -> Array:
        g = np.float32(gamma)
        return np.where(x > 0, g * x, g * np.float32(alpha) * expm1(np.minimum(x, ZERO)))

    def mish(x: Array) -> Array:
        return np.asarray(x * tanh(softplus(x)))

    return {"celu": celu, "elu": elu, "mish": mish, "selu": selu}


def _gelu(x: Array, approximate: bool) -> Array:
    if approximate:
        inner = SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)
        return np.asarray(HALF * x * (ONE + c_library.tanh(inner)))
    return np.asarray(HALF * x * c_library.erfc(x * -SQRT_HALF))


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.asarray(np.clip(x * np.float32(alpha) + np.float32(beta), ZERO, ONE))


def _logistic_in_float64(x: Array) -> Array:
    exponential = np.exp(x.astype(np.float64))
    inside = (exponential / (1.0 + exponential)).astype(np.float32)
    return np.where(np.abs(x) > LOGISTIC_ENDS, (x > 0).astype(np.float32), inside)


def _shrink(x: Array, threshold: float, bias: float) -> Array:
    nearer = np.where(x > 0, x - np.float32(bias), x + np.float32(bias))
    return np.where(np.abs(x) > np.float32(threshold), nearer, ZERO)


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x.astype(np.float64)).astype(np.float32)


EXACT: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "clip": lambda x, low, high: np.clip(x, np.float32(low), np.float32(high)),
    "floor": np.floor,
    "hard_sigmoid": _hard_sigmoid,
    "leaky_relu": lambda x, alpha: np.where(x >= 0, x, np.float32(alpha) * x),
    "neg": np.negative,
    "reciprocal": lambda x: ONE / x,
    "round": np.rint,
    "shrink": _shrink,
    "sign": np.sign,
    "softsign": lambda x: x * (ONE / (ONE + np.abs(x))),
    "thresholded_relu": lambda x, alpha: np.where(x > np.float32(alpha), x, ZERO),
    "rsqrt": lambda x: ONE / np.sqrt(x),
    "sqrt": np.sqrt,
    "square": lambda x: x * x,
}
"""Functions of which every step is a correctly rounded operation."""

_LIBRARY: Mapping[str, Callable[..., Any]] = {
    **EXACT,
    **made_of(c_library.expm1, _softplus, c_library.tanh),
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "exp": c_library.exp,
    "gelu": _gelu,
    "hard_swish": lambda x: x * np.clip(x + THREE, ZERO, SIX) / SIX,
    "log": c_library.log,
    "logistic": lambda x: ONE / (ONE + c_library.exp(-x)),
    "quick_gelu": lambda x, alpha: x / (ONE + c_library.exp(-x * np.float32(alpha))),
    "softplus": _softplus,
    "tanh": c_library.tanh,
    "trigonometric": trigonometric,
}
C_LIBRARY: Mapping[str, Function] = {name: quietly(f) for name, f in _LIBRARY.items()}

XNNPACK: Mapping[str, Function] = {**C_LIBRARY, "logistic": quietly(_logistic_in_float64)}
"""XNNPACK's tables: exp(x) / (1 + exp(x)) in float64, otherwise as the C library."""
