"""Logarithm of a softmax of float32 rows; the sum of exponentials is taken in float64."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def log_softmax_float32(x: Array, out: Array) -> None:
    """x, out float32 [..., n]; one log-softmax a row."""
    centred = x - x.max(axis=-1, keepdims=True)
    total = np.exp(centred.astype(np.float64)).sum(axis=-1, keepdims=True)
    out[...] = centred - np.log(total).astype(np.float32)
