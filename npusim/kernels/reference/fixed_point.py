"""Shared by the kernels that rescale with a fixed-point multiplier: shift, centre, clamp."""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import multiply_by_quantized_multiplier

Array = np.ndarray


def rescale(x: Array, multiplier: int, shift: int) -> Array:
    """x * multiplier * 2^(shift - 31) with double rounding; int64 of int32 values."""
    return multiply_by_quantized_multiplier(
        x.astype(np.int64), np.array(multiplier, np.int64), np.array(shift, np.int64)
    )


def store(values: Array, zero: int, low: int, high: int, out: Array) -> None:
    """out = clamp(values + zero)."""
    out[...] = np.clip(values + zero, low, high).astype(out.dtype)
