"""Stored integers of float32: x / scale, rounded half away from zero (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.requantize import half_away
from npusim.numerics.rescale import Affine

Array = np.ndarray


def quantize_half_away(x: Array, out: Array, p: Affine) -> None:
    """x float32, out int8|uint8 of one shape; NaN counts as 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = (x / p.scale).astype(np.float64)
    bounded = np.clip(np.nan_to_num(quotient, nan=0.0), p.low - p.zero, p.high - p.zero)
    store(half_away(bounded), p.zero, p.low, p.high, out)
