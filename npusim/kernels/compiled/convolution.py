"""Numba convolutions: see `npusim.kernels.reference.convolution` for what they compute.

The input region of the tile is widened to int16 minus x_zero, with zeros outside the image; for
some outputs at a time the windows that they see are gathered. Long windows are multiplied with each
filter in turn, which becomes vector multiply-adds of pairs; short ones with four weights of all
filters at once, since a sum is loaded and stored for each. int32 sums wrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from npusim.jit import allocating, compiled
from npusim.kernels.checks import convolution_fits, depthwise_fits
from npusim.kernels.reference import convolution as reference

Array = np.ndarray

PIXELS = 64
"""Outputs whose windows are gathered together."""
CACHED_WEIGHTS = 1 << 15
"""Weights, of two bytes, that run over these outputs before the next: they stay in a near cache."""
LONG_WINDOW = 64
"""Values from which on products with each filter in turn are the faster ones, as measured."""
VECTOR = 32
"""Values that the compiler's loop takes at once: two vectors of 16."""


def conv_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if convolution_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        add_dense(x, w.shape, pack_dense(w, tile, w_zero), acc, tile, geometry, x_zero)
    else:
        reference.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def depthwise_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference; needs one input and one output channel a group."""
    if not depthwise_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        reference.depthwise_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
    elif tile[4] < tile[5] and tile[6] < tile[7]:
        add_depthwise(x, w.shape, pack_depthwise(w, tile, w_zero), acc, tile, geometry, x_zero)


@dataclass(frozen=True)
class Packed:
    """Weights of a tile as a compiled function takes them: [g, k, values] or [g, values, k]."""

    weights: Array
    multiply: Callable[..., None]


def pack_dense(w: Array, tile: Sequence[int], w_zero: Array) -> Packed:
    """Windows filled up with zeros: to whole vectors for products with each filter in turn."""
    weights = _weights(w, tile, w_zero)
    groups, filters, *window = weights.shape
    values = math.prod(window)
    long = values >= LONG_WINDOW
    filled = -(-values // (VECTOR if long else 4)) * (VECTOR if long else 4)
    packed = np.zeros((groups, filters, filled), np.int16)
    packed[..., :values] = weights.reshape(groups, filters, values)
    if long:
        return Packed(packed, _multiply_long)
    return Packed(np.ascontiguousarray(packed.transpose(0, 2, 1)), _multiply_short)


def add_dense(
    x: Array, w_shape: tuple[int, ...], packed: Packed, acc: Array, tile: Sequence[int],
    geometry: Sequence[int], x_zero: int,
) -> None:  # fmt: skip
    """`conv_accumulate` of weights that are packed."""
    if packed.weights.size:
        region = _region(x, w_shape, tile, geometry, x_zero)
        _add(packed.multiply, region, packed.weights, acc, (*geometry[:4], *w_shape[2:4]))


def pack_depthwise(w: Array, tile: Sequence[int], w_zero: Array) -> Array:
    """[FY * FX filled up with zeros to a multiple of three, g]."""
    weights = _weights(w, tile, w_zero)[:, 0, :, :, 0]
    taps = weights.shape[1] * weights.shape[2]
    packed = np.zeros((-(-taps // 3) * 3, weights.shape[0]), np.int16)
    packed[:taps] = weights.reshape(-1, taps).T
    return packed


def add_depthwise(
    x: Array, w_shape: tuple[int, ...], weights: Array, acc: Array, tile: Sequence[int],
    geometry: Sequence[int], x_zero: int,
) -> None:  # fmt: skip
    """`depthwise_accumulate` of weights that are packed; the tile has its filter and channel."""
    if weights.size:
        region = _region(x, w_shape, tile, geometry, x_zero)[..., 0]
        _add(_multiply_depthwise, region, weights, acc[..., 0], (*geometry[:4], *w_shape[2:4]))


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
    steps: Sequence[int],
) -> None:  # fmt: skip
    """Call `function` on a contiguous `acc`, which may be a copy that is written back."""
    if acc.size == 0 or region.size == 0 or weights.size == 0:
        return
    sums = np.ascontiguousarray(acc)
    numbers = np.array(steps, np.int64)
    function(np.ascontiguousarray(region), weights, sums, numbers)
    if sums is not acc:
        acc[...] = sums


@allocating
def _multiply_long(region: Array, weights: Array, acc: Array, steps: Array) -> None:
    """weights [g, k, values of a window and zeros]; steps: strides, dilations and taps."""
    images, rows, cols, groups, filters = acc.shape
    values = weights.shape[2]
    pixels = images * rows * cols
    windows = np.zeros((min(pixels, PIXELS), values), np.int16)
    together = max(1, CACHED_WEIGHTS // values)
    for g in range(groups):
        for first in range(0, pixels, PIXELS):
            count = min(PIXELS, pixels - first)
            _gather(region, first, count, acc.shape, g, steps, windows)
            for begin in range(0, filters, together):
                for p in range(count):
                    at = first + p
                    sums = acc[at // (rows * cols), at // cols % rows, at % cols, g]
                    found = windows[p]
                    for k in range(begin, min(begin + together, filters)):
                        filter_ = weights[g, k]
                        total = np.int32(0)
                        for i in range(values):
                            total += np.int32(found[i]) * np.int32(filter_[i])
                        sums[k] += total


@allocating
def _multiply_short(region: Array, weights: Array, acc: Array, steps: Array) -> None:
    """weights [g, values of a window and zeros, k]; steps: strides, dilations and taps."""
    images, rows, cols, groups, filters = acc.shape
    values = weights.shape[1]
    pixels = images * rows * cols
    windows = np.zeros((min(pixels, PIXELS), values), np.int16)
    for g in range(groups):
        for first in range(0, pixels, PIXELS):
            count = min(PIXELS, pixels - first)
            _gather(region, first, count, acc.shape, g, steps, windows)
            for p in range(count):
                at = first + p
                sums = acc[at // (rows * cols), at // cols % rows, at % cols, g]
                found = windows[p]
                for i in range(0, values, 4):
                    v0, v1 = np.int32(found[i]), np.int32(found[i + 1])
                    v2, v3 = np.int32(found[i + 2]), np.int32(found[i + 3])
                    w0, w1 = weights[g, i], weights[g, i + 1]
                    w2, w3 = weights[g, i + 2], weights[g, i + 3]
                    for k in range(filters):
                        sums[k] += (
                            v0 * np.int32(w0[k]) + v1 * np.int32(w1[k])
                            + v2 * np.int32(w2[k]) + v3 * np.int32(w3[k])
                        )  # fmt: skip


@compiled
def _gather(
    region: Array, first: int, count: int, shape: tuple[int, int, int, int, int], g: int,
    steps: Array, windows: Array,
) -> None:  # fmt: skip
    """The inputs that outputs see, one after the other; what is left of `windows` stays."""
    stride_y, stride_x, dilation_y, dilation_x, taps_y, taps_x = steps
    rows, cols = shape[1], shape[2]
    channels = region.shape[4]
    for p in range(count):
        b, y, x = (first + p) // (rows * cols), (first + p) // cols % rows, (first + p) % cols
        values = windows[p]
        at = 0
        for fy in range(taps_y):
            for fx in range(taps_x):
                found = region[b, y * stride_y + fy * dilation_y, x * stride_x + fx * dilation_x, g]
                for c in range(channels):
                    values[at + c] = found[c]
                at += channels


@allocating
def _multiply_depthwise(region: Array, weights: Array, acc: Array, steps: Array) -> None:
    """weights [taps and zeros, g]: three taps at once, since each time sums are loaded."""
    stride_y, stride_x, dilation_y, dilation_x, taps_y, taps_x = steps
    images, rows, cols, channels = acc.shape
    places = np.empty((weights.shape[0], 2), np.int64)
    for t in range(weights.shape[0]):
        tap = min(t, taps_y * taps_x - 1)  # zeros may meet any input
        places[t] = tap // taps_x * dilation_y, tap % taps_x * dilation_x
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                sums, top, left = acc[b, y, x], y * stride_y, x * stride_x
                for t in range(0, weights.shape[0], 3):
                    x0 = region[b, top + places[t, 0], left + places[t, 1]]
                    x1 = region[b, top + places[t + 1, 0], left + places[t + 1, 1]]
                    x2 = region[b, top + places[t + 2, 0], left + places[t + 2, 1]]
                    w0, w1, w2 = weights[t], weights[t + 1], weights[t + 2]
                    for g in range(channels):
                        sums[g] += (
                            np.int32(x0[g]) * np.int32(w0[g]) + np.int32(x1[g]) * np.int32(w1[g])
                            + np.int32(x2[g]) * np.int32(w2[g])
                        )  # fmt: skip
