"""Circular and hyperbolic functions of float32, computed in float64 and rounded once.

Outside of its domain a function gives NaN, at its poles an infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Array = np.ndarray

FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cos": np.cos,
    "cosh": np.cosh,
    "sin": np.sin,
    "sinh": np.sinh,
    "tan": np.tan,
}
"""By the names that ONNX has for them, in lower case."""


def trigonometric(x: Array, function: str) -> Array:
    """`function` of each element of x, float32 of any shape."""
    with np.errstate(all="ignore"):
        return np.asarray(FUNCTIONS[function](x.astype(np.float64)), np.float32)
