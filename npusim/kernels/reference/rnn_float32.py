"""One direction of a plain recurrent layer in float32 (ONNX's RNN).

h = f(x * W^T + h * R^T + bias), summed in float64 and rounded once; f is tanh or max(0, .).
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.mlas import tanh

Array = np.ndarray


def rnn_float32(
    x: Array, w: Array, r: Array, bias: Array | None, h: Array, y: Array, rectified: bool
) -> None:
    """x float32 [T, B, I]; w [H, I]; r [H, H]; bias [2H]; y [T, B, H]; h [B, H] is the first state
    and becomes the last one.
    """
    matrix, recurrent = w.astype(np.float64).T, r.astype(np.float64).T
    shift = 0.0 if bias is None else bias.astype(np.float64).reshape(2, -1).sum(axis=0)
    for step in range(x.shape[0]):
        sums = x[step].astype(np.float64) @ matrix + h.astype(np.float64) @ recurrent + shift
        real = sums.astype(np.float32)
        h[...] = np.maximum(real, np.float32(0.0)) if rectified else tanh(real)
        y[step] = h
