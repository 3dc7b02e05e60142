"""Squared difference by fixed-point multiplications, each rounded twice (TFLite's kernel).

d = R((a - za) << 7, ma) + R((b - zb) << 7, mb), mb < 0; y = R(d * d, my) + zy, clamped; R is that
of `add_double_rounding`.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.elementwise import FixedPointSum

Array = np.ndarray


def squared_double_rounding(a: Array, b: Array, out: Array, p: FixedPointSum) -> None:
    """a, b, out int8|uint8 of one shape."""
    left = (a.astype(np.int64) - p.a_zero) << p.left_shift
    right = (b.astype(np.int64) - p.b_zero) << p.left_shift
    total = rescale(left, p.a_multiplier, p.a_shift) + rescale(right, p.b_multiplier, p.b_shift)
    store(rescale(total * total, p.y_multiplier, p.y_shift), p.y_zero, p.low, p.high, out)
