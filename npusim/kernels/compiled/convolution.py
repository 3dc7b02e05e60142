"""Numba convolutions: see `npusim.kernels.reference.convolution` for what they compute.

The input region of the tile is widened to int16 minus x_zero, with zeros outside the image, and the
weights are laid out with the output channels innermost, so that the inner loop runs over contiguous
channels. int32 sums wrap, as an addition to an int32 array does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npusim.jit import compiled
from npusim.kernels.checks import convolution_fits, depthwise_fits
from npusim.kernels.reference import convolution as reference

Array = np.ndarray


def conv_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if not convolution_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        reference.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    weights = _weights(w, tile, w_zero).transpose(0, 2, 3, 4, 1)
    region = _region(x, w.shape, tile, geometry, x_zero)
    _add(_multiply, region, np.ascontiguousarray(weights), acc, geometry)


def depthwise_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference; needs one input and one output channel a group."""
    if not depthwise_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        reference.depthwise_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    weights = _weights(w, tile, w_zero)
    if 0 in weights.shape:
        return
    region = _region(x, w.shape, tile, geometry, x_zero)[..., 0]
    per_tap = np.ascontiguousarray(weights[:, 0, :, :, 0].transpose(1, 2, 0))
    _add(_multiply_depthwise, region, per_tap, acc[..., 0], geometry)


def _weights(w: Array, tile: Sequence[int], w_zero: Array) -> Array:
    """Weights of the tile minus their zero points: int16 [g, k, FY, FX, c]."""
    g0, g1, k0, k1, c0, c1 = tile[2:8]
    zeros = w_zero[g0:g1, k0:k1, None, None, None].astype(np.int16)
    return w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int16) - zeros


def _region(
    x: Array, w_shape: tuple[int, ...], tile: Sequence[int], geometry: Sequence[int], x_zero: int
) -> Array:
    """Inputs under the tile minus x_zero: int16 [b, rows, cols, g, c], zeros outside the image."""
    b0, b1, g0, g1, _, _, c0, c1, y0, y1, x0, x1 = tile
    stride_y, stride_x, dilation_y, dilation_x, top, left = geometry
    first_row, first_col = y0 * stride_y - top, x0 * stride_x - left
    rows = max(0, (y1 - y0 - 1) * stride_y + (w_shape[2] - 1) * dilation_y + 1)
    cols = max(0, (x1 - x0 - 1) * stride_x + (w_shape[3] - 1) * dilation_x + 1)
    region = np.zeros((b1 - b0, rows, cols, g1 - g0, c1 - c0), np.int16)
    inside_y = slice(max(first_row, 0), max(0, min(first_row + rows, x.shape[1])))
    inside_x = slice(max(first_col, 0), max(0, min(first_col + cols, x.shape[2])))
    found = x[b0:b1, inside_y, inside_x, g0:g1, c0:c1]
    at_y, at_x = inside_y.start - first_row, inside_x.start - first_col
    target = region[:, at_y : at_y + found.shape[1], at_x : at_x + found.shape[2]]
    np.subtract(found, np.int16(x_zero), out=target, dtype=np.int16)
    return region


def _add(
    function: Callable[..., None], region: Array, weights: Array, acc: Array,
    geometry: Sequence[int],
) -> None:  # fmt: skip
    """Call `function` on a contiguous `acc`, which may be a copy that is written back."""
    if acc.size == 0 or region.size == 0 or weights.size == 0:
        return
    sums = np.ascontiguousarray(acc)
    steps = np.array(geometry[:4], np.int64)
    function(np.ascontiguousarray(region), weights, sums, steps)
    if sums is not acc:
        acc[...] = sums


@compiled
def _multiply(region: Array, weights: Array, acc: Array, steps: Array) -> None:
    stride_y, stride_x, dilation_y, dilation_x = steps
    images, rows, cols, groups, filters = acc.shape
    _, taps_y, taps_x, channels, _ = weights.shape
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for g in range(groups):
                    sums = acc[b, y, x, g]
                    for fy in range(taps_y):
                        for fx in range(taps_x):
                            row = y * stride_y + fy * dilation_y
                            values = region[b, row, x * stride_x + fx * dilation_x, g]
                            for c in range(channels):
                                value = np.int32(values[c])
                                line = weights[g, fy, fx, c]
                                for k in range(filters):
                                    sums[k] += value * np.int32(line[k])


@compiled
def _multiply_depthwise(region: Array, weights: Array, acc: Array, steps: Array) -> None:
    stride_y, stride_x, dilation_y, dilation_x = steps
    images, rows, cols, channels = acc.shape
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                sums = acc[b, y, x]
                for fy in range(weights.shape[0]):
                    for fx in range(weights.shape[1]):
                        row = y * stride_y + fy * dilation_y
                        values = region[b, row, x * stride_x + fx * dilation_x]
                        line = weights[fy, fx]
                        for g in range(channels):
                            sums[g] += np.int32(values[g]) * np.int32(line[g])
