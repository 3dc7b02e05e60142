"""Numba sums of wide, saturating and blocked integer products: see the references of these names.

Operands are widened to int32 minus their zero points, weights laid out with the output channels
innermost, so that the inner loops run over contiguous channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npusim.jit import allocating, compiled
from npusim.kernels.checks import blocked_fits, saturating_fits, wide_fits
from npusim.kernels.plans import is_empty, tile_inputs, tile_weights
from npusim.kernels.reference import blocked, convolution, saturating

Array = np.ndarray


def conv_accumulate_wide(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if not wide_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        convolution.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
    elif not is_empty(tile, w.shape[2:4]):
        weights = tile_weights(w, tile, w_zero)
        inputs = tile_inputs(x, w.shape[2:4], tile, geometry, x_zero)
        _add(_exact, inputs, weights, acc, geometry)


def conv_accumulate_saturating(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, bits: int, tree: int,
) -> None:  # fmt: skip
    """See the reference."""
    arguments = x, w, acc, tile, geometry, x_zero, w_zero, bits, tree
    if not saturating_fits(*arguments):
        saturating.conv_accumulate_saturating(*arguments)
    elif not is_empty(tile, w.shape[2:4]):
        weights = tile_weights(w, tile, w_zero)
        inputs = tile_inputs(x, w.shape[2:4], tile, geometry, x_zero)
        limits = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        _add(_saturating, inputs, weights, acc, geometry, tree, *limits)


def conv_accumulate_blocked(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, scale: Array, block: int, bits: int,
) -> None:  # fmt: skip
    """See the reference."""
    arguments = x, w, acc, tile, geometry, x_zero, w_zero, scale, block, bits
    if not blocked_fits(*arguments):
        blocked.conv_accumulate_blocked(*arguments)
        return
    if is_empty(tile, w.shape[2:4]):
        return
    g0, g1, k0, k1, c0 = tile[2:7]
    weights = tile_weights(w, tile, w_zero.repeat(block, 4))
    inputs = tile_inputs(x, w.shape[2:4], tile, geometry, x_zero)
    factors = np.ascontiguousarray(scale[g0:g1, k0:k1].transpose(0, 2, 3, 4, 1))
    _add(_blocked, inputs, weights, acc, geometry, factors, block, c0, 64 - bits)


def _add(
    function: Callable[..., None], inputs: Array, weights: Array, acc: Array,
    geometry: Sequence[int], *more: Any,
) -> None:  # fmt: skip
    """Call `function` on a contiguous `acc`, which may be a copy that is written back."""
    sums = np.ascontiguousarray(acc)
    innermost = np.ascontiguousarray(weights.transpose(0, 2, 3, 4, 1))
    function(inputs, innermost, sums, np.array(geometry[:4], np.int64), *more)
    if sums is not acc:
        acc[...] = sums


@compiled
def _exact(inputs: Array, weights: Array, acc: Array, steps: Array) -> None:
    images, rows, cols, groups, filters = acc.shape
    _, taps_y, taps_x, channels, _ = weights.shape
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for g in range(groups):
                    sums = acc[b, y, x, g]
                    for fy in range(taps_y):
                        for fx in range(taps_x):
                            row, col = y * steps[0] + fy * steps[2], x * steps[1] + fx * steps[3]
                            values = inputs[b, g, row, col]
                            for c in range(channels):
                                value = np.int64(values[c])
                                line = weights[g, fy, fx, c]
                                for k in range(filters):
                                    sums[k] += value * np.int64(line[k])


@allocating
def _saturating(
    inputs: Array, weights: Array, acc: Array, steps: Array, tree: int, low: int, high: int
) -> None:
    images, rows, cols, groups, filters = acc.shape
    _, taps_y, taps_x, channels, _ = weights.shape
    part = np.zeros(filters, np.int64)
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for g in range(groups):
                    sums = acc[b, y, x, g]
                    for fy in range(taps_y):
                        for fx in range(taps_x):
                            row, col = y * steps[0] + fy * steps[2], x * steps[1] + fx * steps[3]
                            values = inputs[b, g, row, col]
                            for first in range(0, channels, tree):
                                end = min(first + tree, channels)
                                _group(values, weights[g, fy, fx], first, end, part)
                                for k in range(filters):
                                    sums[k] = min(max(sums[k] + part[k], low), high)


@allocating
def _blocked(
    inputs: Array, weights: Array, acc: Array, steps: Array, scale: Array, block: int,
    first: int, unused: int,
) -> None:  # fmt: skip
    images, rows, cols, groups, filters = acc.shape
    _, taps_y, taps_x, channels, _ = weights.shape
    part = np.zeros(filters, np.int64)
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for g in range(groups):
                    sums = acc[b, y, x, g]
                    for fy in range(taps_y):
                        for fx in range(taps_x):
                            row, col = y * steps[0] + fy * steps[2], x * steps[1] + fx * steps[3]
                            values = inputs[b, g, row, col]
                            c = 0
                            while c < channels:
                                at = (first + c) // block
                                end = min((at + 1) * block - first, channels)
                                _group(values, weights[g, fy, fx], c, end, part)
                                factors = scale[g, fy, fx, at]
                                for k in range(filters):
                                    kept = (part[k] << unused) >> unused
                                    sums[k] += np.float32(kept) * factors[k]
                                c = end


@compiled
def _group(values: Array, lines: Array, first: int, end: int, part: Array) -> None:
    """part[k] = the sum over channels first..end of values[c] * lines[c, k]."""
    part[:] = 0
    for c in range(first, end):
        value = np.int64(values[c])
        line = lines[c]
        for k in range(part.size):
            part[k] += value * np.int64(line[k])
