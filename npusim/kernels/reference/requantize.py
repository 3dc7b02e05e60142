"""The drain: bias, requantization, clamp; from int32 accumulators to 8-bit outputs."""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import Requantizer, wrap_int32

Array = np.ndarray


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """out = requantizer(acc + bias), with the sum wrapped to int32.

    acc int32 [b, oy, ox, g, k]; bias int32 [g * k] and the requantizer's factors [g * k] of the
    same channels; out int8|uint8 with the shape of acc, written in place (it may be strided). As
    `requantize_wide`, which has no fast form, out is any integer type.
    """
    flat = acc.reshape(*acc.shape[:3], -1)
    total = wrap_int32(flat.astype(np.int64) + bias)
    out[...] = requantizer.apply(total, out.dtype).reshape(acc.shape)
