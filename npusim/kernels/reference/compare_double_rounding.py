"""A comparison of two quantized tensors as fixed-point reals, each rounded twice (TFLite)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale
from npusim.numerics.pairs import FixedPointComparison

Array = np.ndarray


def compare_double_rounding(a: Array, b: Array, out: Array, p: FixedPointComparison) -> None:
    """a, b int8|uint8, out bool, all of one shape."""
    left = (a.astype(np.int64) - p.a_zero) << p.left_shift
    right = (b.astype(np.int64) - p.b_zero) << p.left_shift
    out[...] = p.function(
        rescale(left, p.a_multiplier, p.a_shift), rescale(right, p.b_multiplier, p.b_shift)
    )
