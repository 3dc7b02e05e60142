"""Add with three fixed-point multiplications, each rounded twice (TFLite's reference kernel).

y = R(R((a - za) << 20, ma) + R((b - zb) << 20, mb), my) + zy, clamped; R(v, m) multiplies by a
Q0.31 factor with a saturating rounding doubling high product, then shifts right with ties away
from 0.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.elementwise import FixedPointSum

Array = np.ndarray


def add_double_rounding(a: Array, b: Array, out: Array, p: FixedPointSum) -> None:
    """a, b, out int8|uint8 of one shape."""
    left = (a.astype(np.int64) - p.a_zero) << p.left_shift
    right = (b.astype(np.int64) - p.b_zero) << p.left_shift
    total = rescale(left, p.a_multiplier, p.a_shift) + rescale(right, p.b_multiplier, p.b_shift)
    store(rescale(total, p.y_multiplier, p.y_shift), p.y_zero, p.low, p.high, out)
