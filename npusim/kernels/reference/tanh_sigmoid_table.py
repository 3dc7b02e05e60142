"""Hyperbolic tangent of 16 bits by TFLite's table of the logistic function, at twice the input."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.logistic_sigmoid_table import between_entries
from npusim.numerics.sigmoid_table import SigmoidSteps

Array = np.ndarray

_LARGEST = 0xFFFF << 8
_HALF = 1 << (14 + 9)
_ROUND = 1 << (9 - 2)


def tanh_sigmoid_table(x: Array, out: Array, p: SigmoidSteps) -> None:
    """x, out int16 of one shape; the output is Q0.15."""
    half = 1 << (p.shift - 1) if p.shift > 0 else 0
    steps = (x.astype(np.int64) * p.factor + half) >> p.shift
    positive = between_entries(np.abs(steps), 8, _LARGEST)
    result = np.where(steps >= 0, positive - _HALF + _ROUND, -positive + _HALF + _ROUND - 1)
    out[...] = (result >> 8).astype(out.dtype)
