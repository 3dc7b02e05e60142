"""Functions of one real number in float32, as two frameworks compute them.

`ONNX_RUNTIME` follows the polynomials of ONNX Runtime's math library (`npusim/numerics/mlas.py`),
`C_LIBRARY` the functions of the C library, whose results are the exact ones rounded once. Each
takes an array float32 of any shape and the operator's attributes, and gives one of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from npusim.numerics import mlas
from npusim.numerics.exact import correctly_rounded, erf

Array = np.ndarray
Function = Callable[..., Array]

ONE, HALF = np.float32(1.0), np.float32(0.5)
THREE, SIX = np.float32(3.0), np.float32(6.0)
SQRT_HALF = np.float32(np.sqrt(0.5))
SQRT_2_OVER_PI = np.float32(np.sqrt(2.0 / np.pi))
GELU_CUBIC = np.float32(0.044715)
"""Coefficient of the cube in the approximation of GELU by a hyperbolic tangent."""


def hard_swish(x: Array) -> Array:
    """x * clamp(x + 3, 0, 6) / 6."""
    return np.asarray(x * np.clip(x + THREE, np.float32(0.0), SIX) / SIX)


def hard_swish_onnx(x: Array) -> Array:
    """x * clamp(x / 6 + 1/2, 0, 1): ONNX defines it by its hard sigmoid."""
    return np.asarray(x * np.clip(x * (ONE / SIX) + HALF, np.float32(0.0), ONE))


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    with np.errstate(over="ignore"):
        return np.asarray(ONE / (ONE + correctly_rounded(np.exp, -x)))


def gelu(x: Array, approximate: bool) -> Array:
    """x / 2 * (1 + erf(x / sqrt 2)), or its approximation by a hyperbolic tangent."""
    if approximate:
        inner = SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)
        return np.asarray(HALF * x * (ONE + tanh(inner)))
    return np.asarray(HALF * x * (ONE + correctly_rounded(erf, x * SQRT_HALF)))


def gelu_onnx(x: Array, approximate: bool) -> Array:
    """The same on ONNX Runtime's error function and hyperbolic tangent."""
    if approximate:
        inner = x * (GELU_CUBIC * SQRT_2_OVER_PI * x * x + SQRT_2_OVER_PI)
        return np.asarray(HALF * x * (mlas.tanh(inner) + ONE))
    return np.asarray(HALF * x * (mlas.erf(x * SQRT_HALF) + ONE))


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return correctly_rounded(np.tanh, x)


C_LIBRARY: Mapping[str, Function] = {
    "gelu": gelu,
    "hard_swish": hard_swish,
    "logistic": logistic,
    "tanh": tanh,
}
ONNX_RUNTIME: Mapping[str, Function] = {
    "gelu": gelu_onnx,
    "hard_swish": hard_swish_onnx,
    "logistic": mlas.logistic,
    "tanh": mlas.tanh,
}
