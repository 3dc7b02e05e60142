"""Add with integer factors on a common power of two and one rounding (XNNPACK).

y = ((a * ma + b * mb + bias) >> shift) + zy, clamped; the bias holds the zero points and half
a unit.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.elementwise import OneShiftSum

Array = np.ndarray


def add_one_shift(a: Array, b: Array, out: Array, p: OneShiftSum) -> None:
    """a, b, out int8|uint8 of one shape."""
    total = a.astype(np.int64) * p.a_multiplier + b.astype(np.int64) * p.b_multiplier + p.bias
    store(total >> p.shift, p.y_zero, p.low, p.high, out)
