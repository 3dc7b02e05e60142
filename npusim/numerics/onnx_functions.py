"""Functions of one real number in float32 as ONNX Runtime computes them; see `functions.py`.

Logistic, hyperbolic tangent, error function and exponential are its own polynomials (`mlas.py`);
logarithm, ELU, softplus and the like are made of those of the Eigen library (`eigen.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from npusim.numerics import eigen, mlas
from npusim.numerics.functions import (
    C_LIBRARY,
    GELU_CUBIC,
    HALF,
    ONE,
    SIX,
    SQRT_2_OVER_PI,
    SQRT_HALF,
    ZERO,
    Function,
    made_of,
    quietly,
)

Array = np.ndarray


def _expm1(x: Array) -> Array:
    return np.asarray(eigen.exp(x) - ONE)


def _gelu(x: Array, approximate: bool) -> Array:
    if approximate:
        inner = x * (GELU_CUBIC * SQRT_2_OVER_PI * x * x + SQRT_2_OVER_PI)
        return np.asarray(HALF * x * (mlas.tanh(inner) + ONE))
    return np.asarray(HALF * x * (mlas.erf(x * SQRT_HALF) + ONE))


def _softplus(x: Array) -> Array:
    tail = eigen.log1p(eigen.exp(-np.abs(x)))
    return np.where(x > 0, x + tail, tail)


_OWN: Mapping[str, Callable[..., Any]] = {
    **made_of(_expm1, _softplus, mlas.tanh),
    "erf": mlas.erf,
    "exp": mlas.exp,
    "gelu": _gelu,
    "hard_swish": lambda x: x * np.clip(x * (ONE / SIX) + HALF, ZERO, ONE),
    "log": eigen.log,
    "logistic": mlas.logistic,
    "quick_gelu": lambda x, alpha: x * mlas.logistic(x * np.float32(alpha)),
    "softplus": _softplus,
    "tanh": mlas.tanh,
}
ONNX_RUNTIME: Mapping[str, Function] = {
    **C_LIBRARY,
    **{name: quietly(function) for name, function in _OWN.items()},
}
