"""Transposed convolution of float32 in the order of additions of ONNX Runtime 1.31.1.

A matrix product gives, for each input pixel, the values that its filter adds to the output; a
second pass adds them tap by tap, the bias last. The product adds by fused multiply-adds, one input
channel after the other, in blocks of channels that are then added up (MLAS's single-precision
product on machines with fused multiply-adds).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.numerics.onnx_runtime import fused_multiply_add

Array = np.ndarray

BLOCK = 128
"""Input channels that are summed before the sum is added to that of the channels before."""


def transposed_convolution_float32(
    x: Array, w: Array, bias: Array | None, out: Array, geometry: Sequence[int]
) -> None:
    """x float32 [B, H, W, G, C]; w float32 [G, K, FY, FX, C]; bias float32 [G, K]; out float32
    [B, OY, OX, G, K]; `geometry` = (stride_y, stride_x, dilation_y, dilation_x, top, left), the
    last two cut off.
    """
    stride_y, stride_x, dilation_y, dilation_x, top, left = geometry
    out[...] = 0.0
    for fy in range(w.shape[2]):
        rows = np.arange(x.shape[1]) * stride_y + fy * dilation_y - top
        inside_y = np.flatnonzero((rows >= 0) & (rows < out.shape[1]))
        for fx in range(w.shape[3]):
            cols = np.arange(x.shape[2]) * stride_x + fx * dilation_x - left
            inside_x = np.flatnonzero((cols >= 0) & (cols < out.shape[2]))
            seen = x[:, inside_y][:, :, inside_x]
            out[:, rows[inside_y][:, None], cols[inside_x]] += _product(seen, w[:, :, fy, fx])
    if bias is not None:
        out += bias


def _product(x: Array, w: Array) -> Array:
    """[B, h, w, G, C] times [G, K, C], summed over C."""
    total = None
    for start in range(0, x.shape[4], BLOCK):
        block = np.zeros((*x.shape[:4], w.shape[1]), np.float32)
        for channel in range(start, min(start + BLOCK, x.shape[4])):
            block = fused_multiply_add(x[..., channel, None], w[:, :, channel], block)
        total = block if total is None else total + block
    assert total is not None
    return total
