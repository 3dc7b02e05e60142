"""Group normalization of float32 in the steps of ONNX Runtime 1.31.1, which has no kernel for it.

It runs the operator's definition, node by node: variance = mean of squares - square of the mean,
each mean in the order of additions of its ReduceMean.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.reduce_float32 import reduce_float32
from npusim.numerics.reductions import RealReduction

Array = np.ndarray


def group_norm_float32(
    x: Array, out: Array, scale: Array, shift: Array, groups: int, epsilon: float
) -> None:
    """x, out float32 [B, K, n]; scale, shift float32 [K]."""
    rows = x.reshape(x.shape[0] * groups, -1)
    mean, square = _mean(rows), _mean(rows * rows)
    deviation = np.sqrt(square - mean * mean + np.float32(epsilon))
    normal = ((rows - mean) / deviation).reshape(x.shape)
    out[...] = normal * scale[:, None] + shift[:, None]


def _mean(rows: Array) -> Array:
    """Mean of each row, [rows, 1]."""
    mean = np.empty(len(rows), np.float32)
    reduce_float32(rows, mean, RealReduction("mean", (1,)))
    return mean[:, None]
