"""The drain of a floating-point accumulator: scale, bias, clamp, output format."""

from __future__ import annotations

import numpy as np

from npusim.numerics.float_drain import FloatDrain

Array = np.ndarray


def drain_float(acc: Array, parameters: FloatDrain, out: Array) -> None:
    """out = parameters applied to acc, whose channels are [g, k] flattened.

    acc float32 [b, oy, ox, g, k]; scale and bias float32 [g * k] of the same channels; out stored
    numbers of `parameters.out` with the shape of acc, written in place (it may be strided).
    """
    flat = acc.reshape(*acc.shape[:3], acc.shape[3] * acc.shape[4])
    out[...] = parameters.apply(flat).reshape(acc.shape)
