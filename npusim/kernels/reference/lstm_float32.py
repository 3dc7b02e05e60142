"""One direction of an LSTM in float32, time step by time step (ONNX's equations).

gates = x * W^T + h * R^T + bias, in the order i, o, f, c, summed in float64 and rounded once;
c = sigmoid(f) * c + sigmoid(i) * tanh(c'), h = sigmoid(o) * tanh(c), each step rounded.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.mlas import logistic, tanh

Array = np.ndarray


def lstm_float32(
    x: Array, w: Array, r: Array, bias: Array | None, h: Array, c: Array, y: Array
) -> None:
    """x float32 [T, B, I]; w [4H, I]; r [4H, H]; bias [4H]; y [T, B, H]; h, c [B, H] are the first
    state and become the last one.
    """
    matrix, recurrent = w.astype(np.float64).T, r.astype(np.float64).T
    shift = 0.0 if bias is None else bias.astype(np.float64)
    for step in range(x.shape[0]):
        sums = x[step].astype(np.float64) @ matrix + h.astype(np.float64) @ recurrent + shift
        i, o, f, new = np.split(sums.astype(np.float32), 4, axis=1)
        c[...] = logistic(f) * c + logistic(i) * tanh(new)
        h[...] = logistic(o) * tanh(c)
        y[step] = h
