"""The drain: bias, requantization, clamp; from integer sums to outputs of 8 or 16 bits."""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import Requantizer, wrap_int32

Array = np.ndarray


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """out = requantizer(acc + bias), with the sum wrapped to the type of acc.

    acc int32 [b, oy, ox, g, k]; bias int32 [g * k] and the requantizer's factors [g * k] of the
    same channels; out int8|uint8 with the shape of acc, written in place (it may be strided). As
    `requantize_wide`, acc and bias may be int64, and out is any integer type.
    """
    flat = acc.reshape(*acc.shape[:3], -1)
    total = flat.astype(np.int64) + bias
    if acc.dtype == np.int32:
        total = wrap_int32(total)
    out[...] = requantizer.apply(total, out.dtype).reshape(acc.shape)
