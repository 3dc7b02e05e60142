"""Functions of float32 with one rounding: computed in float64, which has 29 bits to spare."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray


def correctly_rounded(function: Callable[[Array], Array], x: Array) -> Array:
    """float32 of `function` on float64 for an array float32; domain errors become NaN or inf."""
    with np.errstate(all="ignore"):
        return np.asarray(function(np.asarray(x, np.float64))).astype(np.float32)


def erf(x: Array) -> Array:
    """The error function on float64."""
    values = [math.erf(value) for value in x.reshape(-1)]
    return np.array(values, np.float64).reshape(x.shape)
