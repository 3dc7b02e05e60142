"""Stored integers of float32: x * (1 / scale) in float32, rounded half to even (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.rescale import Affine

Array = np.ndarray


def quantize_rint_reciprocal(x: Array, out: Array, p: Affine) -> None:
    """x float32, out int8|uint8 of one shape; NaN counts as the lowest value."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = x * (np.float32(1.0) / p.scale)
    bounded = np.clip(np.nan_to_num(scaled, nan=-np.inf), p.low - p.zero, p.high - p.zero)
    store(np.rint(bounded).astype(np.int64), p.zero, p.low, p.high, out)
