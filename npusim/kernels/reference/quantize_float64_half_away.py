"""Stored integers of float32: x / scale in float64, rounded half away from zero (TFLite)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.requantize import half_away
from npusim.numerics.rescale import Affine

Array = np.ndarray


def quantize_float64_half_away(x: Array, out: Array, p: Affine) -> None:
    """x float32, out an integer type, of one shape; NaN counts as 0."""
    quotient = x.astype(np.float64) / np.float64(p.scale)
    bounded = np.clip(np.nan_to_num(quotient, nan=0.0), p.low - p.zero, p.high - p.zero)
    store(half_away(bounded), p.zero, p.low, p.high, out)
