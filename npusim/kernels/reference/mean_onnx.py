"""Mean of float32 reals in the order in which ONNX Runtime's ReduceMean adds them.

ReduceMean has no integer kernel: its input is dequantized, averaged in float32, and quantized. The
sum runs over four lanes twice unrolled (Eigen's reduction for SSE), from the first element of a row
that lies on 16 bytes; what comes before and after is added one by one.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import RealRescale

Array = np.ndarray

LANES = 4
"""float32 values in a 16-byte vector."""


def mean_onnx(x: Array, out: Array, p: RealRescale) -> None:
    """x int8|uint8 [..., taps], all rows of the tensor in memory order; out int8|uint8 [...]."""
    taps = x.shape[-1]
    rows = (x.reshape(-1, taps).astype(np.int32) - p.x_zero).astype(np.float32) * p.x_scale
    total = np.empty(len(rows), np.float32)
    first = np.arange(len(rows)) * taps % LANES
    for phase in range(LANES):
        chosen = first == phase
        if chosen.any():
            total[chosen] = _sum(rows[chosen], min((LANES - phase) % LANES, taps))
    mean = total / np.float32(taps)
    rounded = np.rint(mean / p.y_scale) + np.float32(p.y_zero)
    out[...] = np.clip(rounded, p.low, p.high).astype(out.dtype).reshape(out.shape)


def _sum(rows: Array, start: int) -> Array:
    """Sums of float32 [n, taps] whose first aligned element is `start`."""
    taps = rows.shape[1]
    end = start + (taps - start) // LANES * LANES
    if end == start:
        return _one_by_one(rows[:, 0].copy(), rows[:, 1:])
    vectors = rows[:, start:end].reshape(len(rows), -1, LANES)
    even = vectors[:, 0].copy()
    if vectors.shape[1] > 1:
        odd = vectors[:, 1].copy()
        pairs = vectors.shape[1] // 2
        for index in range(1, pairs):
            even += vectors[:, 2 * index]
            odd += vectors[:, 2 * index + 1]
        even += odd
        if vectors.shape[1] % 2:
            even += vectors[:, -1]
    total = (even[:, 0] + even[:, 2]) + (even[:, 1] + even[:, 3])
    return _one_by_one(_one_by_one(total, rows[:, :start]), rows[:, end:])


def _one_by_one(total: Array, values: Array) -> Array:
    for index in range(values.shape[1]):
        total = total + values[:, index]
    return total
