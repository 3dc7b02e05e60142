"""The negative of stored integers, wrapping at the lowest one (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.fixed_point_unary import Stored

Array = np.ndarray


def neg_wrapping(x: Array, out: Array, _: Stored) -> None:
    """x, out int8|uint8 of one shape and scale, zero point 0."""
    out[...] = (-x.astype(np.int32)).astype(out.dtype)
