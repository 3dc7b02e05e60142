"""Instance normalization of float32 in the order of additions of ONNX Runtime 1.31.1.

Mean and squares run over four lanes, twice unrolled (Eigen's reduction for SSE): the mean from the
first element of a row that lies on 16 bytes, the squares of the centred values from the first one.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.reduce_float32 import joined_in_lanes, reduce_float32
from npusim.numerics.reductions import RealReduction

Array = np.ndarray


def instance_norm_float32(x: Array, out: Array, scale: Array, shift: Array, epsilon: float) -> None:
    """x, out float32 [B, K, n], one row a sample and channel; scale, shift float32 [K]."""
    batch, channels, length = x.shape
    rows = x.reshape(-1, length)
    mean = np.empty(len(rows), np.float32)
    reduce_float32(rows, mean, RealReduction("mean", (1,)))
    centred = rows - mean[:, None]
    squares = joined_in_lanes(centred * centred, 0, np.add)
    deviation = np.sqrt(squares / np.float32(length) + np.float32(epsilon))
    factor = np.float32(1.0) / deviation * np.tile(scale, batch)
    moved = np.tile(shift, batch) - mean * factor
    out[...] = (rows * factor[:, None] + moved[:, None]).reshape(batch, channels, length)
