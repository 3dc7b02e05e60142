"""Stored integers of float32: x / scale, rounded half to even (ONNX's QuantizeLinear)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.rescale import Affine

Array = np.ndarray


def quantize_onnx(x: Array, out: Array, p: Affine) -> None:
    """x float32, out int8|uint8 of one shape; NaN becomes the lowest value, as in ONNX Runtime."""
    with np.errstate(over="ignore"):
        quotient = x / p.scale
    low, high = np.float32(p.low - p.zero), np.float32(p.high - p.zero)
    bounded = np.clip(np.where(np.isnan(quotient), low, quotient), low, high)
    out[...] = (np.rint(bounded).astype(np.int32) + p.zero).astype(out.dtype)
