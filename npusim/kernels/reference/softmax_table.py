"""Softmax from a float32 table of exponentials (TFLite's optimised kernel).

y = round(table[x - max] * 1 / (sum * sy)) + zy; the sum adds float32 values in order.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.softmax import TableSoftmax

Array = np.ndarray


def softmax_table(x: Array, out: Array, p: TableSoftmax) -> None:
    """x, out int8|uint8 [..., n]; one softmax a row."""
    values = x.astype(np.int64)
    exponential = p.table[255 + values - values.max(axis=-1, keepdims=True)]
    total = np.zeros((*x.shape[:-1], 1), np.float32)
    for index in range(x.shape[-1]):
        total += exponential[..., index : index + 1]
    share = exponential * (np.float32(1.0) / (total * p.y_scale))
    rounded = np.floor(share + np.float32(0.5)) if p.half_up else np.rint(share)
    store(rounded.astype(np.int64), p.y_zero, p.low, p.high, out)
