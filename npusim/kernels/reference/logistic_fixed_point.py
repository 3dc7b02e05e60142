"""Logistic of 16-bit fixed-point numbers, as TFLite's built-in kernel and its LSTM compute it."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point16 import logistic
from npusim.numerics.sigmoid_table import INTEGER_BITS, FixedPointInput

Array = np.ndarray


def logistic_fixed_point(x: Array, out: Array, p: FixedPointInput) -> None:
    """x Q3.12, out Q0.15, int16 of one shape."""
    out[...] = logistic(x.astype(np.int64) << p.left_shift, INTEGER_BITS).astype(out.dtype)
