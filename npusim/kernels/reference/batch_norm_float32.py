"""Batch normalization of inference, float32: a product and a sum per channel, each rounded."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def batch_norm_float32(x: Array, out: Array, factor: Array, shift: Array) -> None:
    """x, out float32 [B, K, n]; factor, shift float32 [K]."""
    out[...] = x * factor[:, None] + shift[:, None]
