"""Softmax from a float32 table of exponentials (ONNX Runtime's QLinearSoftmax).

y = rint(table[x - max] * floor(1 / sy) / sum) + zy; the sum adds float32 values in order.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import SoftmaxTable

Array = np.ndarray


def softmax_onnx(x: Array, out: Array, p: SoftmaxTable) -> None:
    """x, out int8|uint8 [..., n]; one softmax a row."""
    values = x.astype(np.int64)
    exponential = p.table[255 + values - values.max(axis=-1, keepdims=True)]
    total = np.zeros((*x.shape[:-1], 1), np.float32)
    for index in range(x.shape[-1]):
        total += exponential[..., index : index + 1]
    share = np.rint(exponential * p.factor / total).astype(np.int64) + p.y_zero
    out[...] = np.clip(share, p.low, p.high).astype(out.dtype)
