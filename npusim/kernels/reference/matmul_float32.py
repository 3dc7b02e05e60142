"""Product of two float32 matrices, batched: summed in float64, rounded once."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def matmul_float32(a: Array, b: Array, out: Array) -> None:
    """a float32 [..., M, C], b float32 [..., C, N], out float32 [..., M, N]."""
    out[...] = np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.float32)
