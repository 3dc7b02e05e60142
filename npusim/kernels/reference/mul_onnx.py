"""Product of two quantized tensors; the zero point is added before rounding (ONNX Runtime)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import ProductSum

Array = np.ndarray


def mul_onnx(a: Array, b: Array, out: Array, p: ProductSum) -> None:
    """a, b, out int8|uint8 of one shape."""
    product = (a.astype(np.int32) - p.a_zero) * (b.astype(np.int32) - p.b_zero)
    real = product.astype(np.float32) * p.scale + p.y_zero
    out[...] = np.clip(np.rint(real), p.low, p.high).astype(out.dtype)
