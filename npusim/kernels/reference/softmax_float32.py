"""Softmax of float32 rows: exp(beta * (x - max)) / sum in float64, rounded once."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def softmax_float32(x: Array, out: Array, beta: float) -> None:
    """x, out float32 [..., n]; one softmax a row."""
    real = x.astype(np.float64)
    exponential = np.exp(beta * (real - real.max(axis=-1, keepdims=True)))
    out[...] = (exponential / exponential.sum(axis=-1, keepdims=True)).astype(np.float32)
