"""How many bytes weights take in Arm's lossless weight format, counted without writing it.

The decoder of an Ethos-U takes weights in the order in which the array uses them, padded with zeros
to what it takes at once. A value is the index of a table of at most 32 frequent values, or itself
(magnitude, then sign), behind the table. Indices are Golomb-Rice codes: index >> d in unary, then d
bits; the divisor d (0 to 5; unary parts of at most two ones may drop the end bit) is the best one a
stretch, or all indices have one fixed width. Where zeros dominate, they are run lengths before each
other value, with divisors 0 to 3 of their own. Small streams pay for their table and header, so
coding can expand.

Source: the format of mlw_codec in ethos-u-vela 5.2.0. Its choice among tables and stretches is a
search of its own; here one table serves a stream, so a stream of changing statistics codes better
there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

_HEADER_BITS = 3 + 15 + 3 + 1 + 1
_TABLE_BITS = 5 + 5 + 3
_END_BITS = 3
_ALIGN_BYTES = 16
_MOST_ENTRIES = 32
_MOST_IN_SLICE = 1 << 15
_ZEROS_DOMINATE = 4
"""Zeros are run lengths where they are more than this often as frequent as any other value."""
_STRETCH = 256
"""Indices between two looks at the divisor: long against the header of a slice, which each change
pays."""
_DIRECT_LIMIT = 511


class Geometry(NamedTuple):
    """What a weight decoder takes at once: input channels, output channels, taps, in each order.

    `depth` input channels are padded in depth-first order, `width` in part-kernel order, where
    `taps` are padded too; kernels beyond `kernel` (height, width) are cut and padded in pieces.
    """

    depth: int
    width: int
    cols: int
    taps: int
    kernel: tuple[int, int]


def coded_bytes(weights: np.ndarray, geometry: Geometry, depthwise: bool) -> int:
    """Bytes of integer `weights` [K, FY, FX, C], zero points taken off, as one coded stream.

    Of the two orders the one with less padding; depthwise weights have C = 1 and one order.
    """
    if depthwise:
        pieces = _taps_first(weights, geometry, 1)
    else:
        first = _taps_first(weights, geometry, geometry.width)
        deep = _channels_first(weights, geometry)
        pieces = first if sum(p.size for p in first) < sum(p.size for p in deep) else deep
    return stream_bytes(np.concatenate([piece.reshape(-1) for piece in pieces]))


def _padded(values: np.ndarray, multiples: tuple[int, ...]) -> np.ndarray:
    return np.pad(
        values, [(0, -size % each) for size, each in zip(values.shape, multiples, strict=True)]
    )


def _taps_first(weights: np.ndarray, geometry: Geometry, width: int) -> list[np.ndarray]:
    """Pieces of the kernel; in each: input channels, output channels, taps, what is parallel."""
    high, wide = geometry.kernel
    found = []
    channels, outputs = weights.shape[3], weights.shape[0]
    for top in range(0, weights.shape[1], high):
        for left in range(0, weights.shape[2], wide):
            piece = weights[:, top : top + high, left : left + wide]
            flat = piece.reshape(outputs, -1, channels)
            full = _padded(flat, (geometry.cols, geometry.taps, width))
            k, t, c = full.shape
            blocks = full.reshape(k // geometry.cols, geometry.cols, t, c // width, width)
            found.append(blocks.transpose(3, 0, 2, 1, 4))
    return found


def _channels_first(weights: np.ndarray, geometry: Geometry) -> list[np.ndarray]:
    """Blocks of input channels; in each: taps in pieces, output channels, then what is parallel."""
    outputs, _, _, channels = weights.shape
    full = _padded(weights.reshape(outputs, -1, channels), (geometry.cols, 1, geometry.depth))
    k, t, c = full.shape
    inner = geometry.depth // geometry.width
    blocks = full.reshape(
        k // geometry.cols, geometry.cols, t, c // geometry.depth, inner, geometry.width
    )
    return [blocks.transpose(3, 0, 2, 4, 1, 5)]


def stream_bytes(values: np.ndarray) -> int:
    """Bytes of one coded stream of integers [n] in -255..255, rounded up to 16 bytes."""
    counts = np.bincount(values.astype(np.int64) + 256, minlength=513)
    zeros, others = counts[256], np.delete(counts, 256)
    runs = bool(zeros > _ZEROS_DOMINATE * others.max())
    slices = -(-values.size // _MOST_IN_SLICE)
    bits = slices * _HEADER_BITS + _TABLE_BITS + _END_BITS
    if runs:
        kept = values[values != 0]
        places = np.flatnonzero(values)
        lengths = np.diff(np.concatenate([[-1], places, [values.size]])) - 1
        bits += min(_rice_bits(lengths, divisor) for divisor in range(4))
    else:
        kept = values
    if kept.size:
        index, table_bits = _indices(kept)
        bits += table_bits + _best_bits(index)
    return math.ceil(bits / (8 * _ALIGN_BYTES)) * _ALIGN_BYTES


def _indices(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Index of each value behind the best table of this kind, and the bits of the table."""
    codes = 2 * np.abs(values.astype(np.int64)) + (values < 0)
    frequency = np.bincount(codes, minlength=512)
    used = np.flatnonzero(frequency)
    by_frequency = used[np.argsort(-frequency[used], kind="stable")]
    most = _MOST_ENTRIES
    if used.size > _MOST_ENTRIES:
        most = min(most, _DIRECT_LIMIT - int(used[-1]))
    table = by_frequency[:most] if most > 1 else by_frequency[:0]
    if 2 * frequency[table].sum() <= codes.size:
        table = table[:0]
    offset = min(int(used[0]), 31)
    index = np.arange(512) + table.size - offset
    index[table] = np.arange(table.size)
    width = max(2, int(table.max()).bit_length()) if table.size else 0
    return index[codes], table.size * width


def _rice_bits(values: np.ndarray, divisor: int) -> int:
    return int((values >> divisor).sum()) + values.size * (1 + divisor)


def _best_bits(index: np.ndarray) -> int:
    """Bits of `index` with the best divisor a stretch, a slice header for each change."""
    fixed = max(1, int(index.max()).bit_length())
    starts = np.arange(0, index.size, _STRETCH)
    sizes = np.diff(np.concatenate([starts, [index.size]]))
    costs = [sizes * fixed]
    for divisor in range(6):
        unary = index >> divisor
        sums = np.add.reduceat(unary, starts)
        costs.append(sums + sizes * (1 + divisor))
        ends = np.add.reduceat((unary == 2).astype(np.int64), starts)
        short = np.maximum.reduceat(unary, starts) <= 2
        costs.append(np.where(short, costs[-1] - ends, 1 << 40))
    best = np.array(costs)
    state = best[:, 0]
    for at in range(1, starts.size):
        state = best[:, at] + np.minimum(state, state.min() + _HEADER_BITS)
    return int(state.min())
