"""One direction of a GRU in float32, time step by time step (ONNX's equations).

z, r = sigmoid(x * W^T + h * R^T + bias); h' = tanh(x * W^T + (r . h) * R^T + bias), or with
`reset_after` tanh(x * W^T + bias + r . (h * R^T + bias)); h = (1 - z) . h' + z . h. Products are
summed in float64 and rounded once, each later step is rounded.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.mlas import logistic, tanh

Array = np.ndarray


def gru_float32(
    x: Array, w: Array, r: Array, bias: Array | None, h: Array, y: Array, reset_after: bool
) -> None:
    """x float32 [T, B, I]; w [3H, I]; r [3H, H]; bias [6H]; y [T, B, H]; h [B, H] is the first
    state and becomes the last one.
    """
    hidden = h.shape[1]
    double = np.float64
    matrix, recurrent = w.astype(double).T, r.astype(double).T
    ours, theirs = np.zeros((2, 3 * hidden)) if bias is None else bias.astype(double).reshape(2, -1)
    gates, new = slice(0, 2 * hidden), slice(2 * hidden, None)
    for step in range(x.shape[0]):
        given = x[step].astype(double) @ matrix + ours
        sums = (given[:, gates] + h.astype(double) @ recurrent[:, gates] + theirs[gates]).astype(
            np.float32
        )
        update, reset = np.split(logistic(sums), 2, axis=1)
        if reset_after:
            product = (h.astype(double) @ recurrent[:, new] + theirs[new]).astype(np.float32)
            candidate = given[:, new].astype(np.float32) + reset * product
        else:
            product = (reset * h).astype(double) @ recurrent[:, new]
            candidate = (given[:, new] + product + theirs[new]).astype(np.float32)
        h[...] = (np.float32(1.0) - update) * tanh(candidate) + update * h
        y[step] = h
