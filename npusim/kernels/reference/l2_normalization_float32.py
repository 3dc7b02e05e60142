"""Rows of float32 over their length, added up one by one (ONNX Runtime's LpNormalization)."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def l2_normalization_float32(x: Array, out: Array, order: int) -> None:
    """x, out float32 [..., n]; `order` of the norm is 1 or 2. A row of length 0 stays 0."""
    with np.errstate(all="ignore"):
        values = np.abs(x) if order == 1 else np.square(x)
        length = values[..., :1].copy()
        for index in range(1, x.shape[-1]):
            length += values[..., index : index + 1]
        if order == 2:
            length = np.sqrt(length)
        out[...] = np.where(length == 0, np.float32(0.0), x / length)
