"""Local response normalization of float32 images, in the order of additions of ONNX Runtime 1.31.1.

The sum of a channel is that of the channel before it, plus the square that enters the range, minus
the one that leaves it; the power is taken in float64 and rounded once.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def local_response_norm_float32(
    x: Array, out: Array, size: int, alpha: float, beta: float, bias: float
) -> None:
    """x, out float32 [B, K, n]; `size` channels are summed, (size - 1) // 2 of them before."""
    batch, channels, pixels = x.shape
    before = (size - 1) // 2
    factor = np.float32(alpha) / np.float32(size)
    squares = np.zeros((batch, channels + size - 1, pixels), np.float32)
    squares[:, before : before + channels] = x * x
    total: Array = np.full((batch, pixels), bias, np.float32)
    for channel in range(size):
        total = total + factor * squares[:, channel]
    for channel in range(channels):
        if channel:
            total = total + factor * squares[:, channel + size - 1]
            total = total - factor * squares[:, channel - 1]
        power = np.power(total.astype(np.float64), -np.float64(np.float32(beta)))
        out[:, channel] = x[:, channel] * power.astype(np.float32)
