"""Hyperbolic tangent of 16-bit fixed-point numbers; see `logistic_fixed_point.py`."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point16 import tanh
from npusim.numerics.sigmoid_table import INTEGER_BITS, FixedPointInput

Array = np.ndarray

_LOW, _HIGH = -(2**15), 2**15 - 1


def tanh_fixed_point(x: Array, out: Array, p: FixedPointInput) -> None:
    """x Q3.12 after a shift that saturates, out Q0.15, int16 of one shape."""
    shifted = np.clip(x.astype(np.int64) << p.left_shift, _LOW, _HIGH)
    out[...] = tanh(shifted, INTEGER_BITS).astype(out.dtype)
