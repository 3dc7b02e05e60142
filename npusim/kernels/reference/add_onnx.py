"""Sum of two quantized tensors by two fused multiply-adds, second input first (ONNX Runtime)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import FusedSum, fused_multiply_add

Array = np.ndarray


def add_onnx(a: Array, b: Array, out: Array, p: FusedSum) -> None:
    """a, b, out int8|uint8 of one shape."""
    inner = fused_multiply_add(b.astype(np.float32), p.b_ratio, p.constant)
    total = fused_multiply_add(a.astype(np.float32), p.a_ratio, inner)
    out[...] = np.clip(np.rint(total), p.low, p.high).astype(out.dtype)
