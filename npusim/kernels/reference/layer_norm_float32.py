"""Layer normalization of float32 rows, in the order of additions of ONNX Runtime 1.31.1 on AVX2.

Rows of 8 or more: the mean is summed in float64; the squares of the centred values go into eight
lanes by fused multiply-adds, which are then folded in halves; what does not fill eight lanes is
added one by one, four of it without fusing. Shorter rows use Welford's recurrence.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import fused_multiply_add

Array = np.ndarray

LANES = 8
"""float32 values in a 32-byte vector."""
HALF = LANES // 2


def layer_norm_float32(
    x: Array, out: Array, scale: Array, shift: Array | None, epsilon: float
) -> None:
    """x, out float32 [rows, n]; scale, shift float32 [n]."""
    if x.shape[1] < LANES:
        out[...] = _short(x, scale, shift, np.float32(epsilon))
        return
    length = x.shape[1]
    mean = (x.sum(axis=1, dtype=np.float64) / length).astype(np.float32)
    centred = x - mean[:, None]
    variance = _squares(centred) / np.float32(length) + np.float32(epsilon)
    normal = centred * (np.float32(1.0) / np.sqrt(variance))[:, None]
    if shift is None:
        out[...] = normal * scale
    else:
        out[...] = fused_multiply_add(normal, scale, shift)


def _squares(values: Array) -> Array:
    """Sum of squares of each row."""
    rows, length = values.shape
    full = length // LANES * LANES
    lanes = np.zeros((rows, LANES), np.float32)
    for start in range(0, full, LANES):
        block = values[:, start : start + LANES]
        lanes = fused_multiply_add(block, block, lanes)
    halves = lanes[:, :HALF] + lanes[:, HALF:]
    total = (halves[:, 0] + halves[:, 2]) + (halves[:, 1] + halves[:, 3])
    unfused = full + HALF if length - full >= HALF else full
    for index in range(full, unfused):
        total = total + values[:, index] * values[:, index]
    for index in range(unfused, length):
        total = fused_multiply_add(values[:, index], values[:, index], total)
    return total


def _short(x: Array, scale: Array, shift: Array | None, epsilon: np.float32) -> Array:
    """Rows of less than eight values, without fused steps."""
    mean: Array = np.zeros(x.shape[0], np.float32)
    squares: Array = mean
    for index in range(x.shape[1]):
        delta = x[:, index] - mean
        mean = mean + delta / np.float32(index + 1)
        squares = squares + delta * (x[:, index] - mean)
    deviation = np.sqrt(squares / np.float32(x.shape[1]) + epsilon)
    normal: Array = (x - mean[:, None]) / deviation[:, None] * scale
    return normal if shift is None else normal + shift
