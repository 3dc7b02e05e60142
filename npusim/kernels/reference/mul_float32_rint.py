"""Multiply, scale in float32, round half to even (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.elementwise import FloatProduct

Array = np.ndarray


def mul_float32_rint(a: Array, b: Array, out: Array, p: FloatProduct) -> None:
    """a, b, out int8|uint8 of one shape."""
    product = (a.astype(np.int32) - p.a_zero) * (b.astype(np.int32) - p.b_zero)
    scaled = np.rint(product.astype(np.float32) * p.scale)
    store(scaled.astype(np.int64), p.y_zero, p.low, p.high, out)
