"""Numba sums in floating point: see `npusim.kernels.reference.convolution_rounded`.

Products of float32 are exact in float64. Their sums are rounded to odd first where float64 could
round to the middle of two numbers of the format; `_kind` says when it cannot. Weights lie with
their output channels innermost, so that the inner loops run over contiguous channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.jit import allocating, compiled
from npusim.kernels.checks import float_convolution_fits
from npusim.kernels.compiled.float_rounding import Limits, limits_of, odd_sum, stored
from npusim.kernels.plans import is_empty
from npusim.kernels.reference import convolution_rounded as reference
from npusim.kernels.regions import region
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.formats import BF16, FP16, FP32

Array = np.ndarray

CAST, PLAIN, ODD, ROUNDED = range(4)
"""How a product is added: a float64 sum as float32, rounded, rounded to odd first, after the
product was rounded."""
MOST_BITS = {FP16: 41, FP32: 24, BF16: 8}
"""Bits of products whose float64 sums are no middles unless they are exact. A product of at most
the format's bits is no middle itself. The middle next to an accumulator is half a unit away, so a
product that leads near it reaches no lower than its bits below that: within 53 bits. fp16 may
have more: sums that do not overflow lie between 2^16 and 2^-24, or the bits of the product."""


def conv_accumulate_float(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    accumulation: Accumulation,
) -> None:  # fmt: skip
    """See the reference."""
    if not float_convolution_fits(x, w, acc, tile, geometry, accumulation):
        reference.conv_accumulate_float(x, w, acc, tile, geometry, accumulation)
        return
    if is_empty(tile, w.shape[2:4]):
        return
    g0, g1, k0, k1, c0, c1 = tile[2:8]
    inputs = region(x, w.shape[2:4], tile, geometry, 0, 0, np.float32)
    weights = np.ascontiguousarray(w[g0:g1, k0:k1, :, :, c0:c1].transpose(0, 2, 3, 4, 1))
    kind = _kind(inputs, weights, accumulation)
    limits = limits_of(
        accumulation.format, accumulation.on_overflow == "saturate",
        accumulation.subnormals == "flush",
    )  # fmt: skip
    sums, steps = np.ascontiguousarray(acc), np.array(geometry[:4], np.int64)
    if weights.shape[3] == weights.shape[4] == 1:
        lanes = np.ascontiguousarray(weights[..., 0, 0].transpose(1, 2, 0))
        _multiply_lanes(inputs[..., 0], lanes, sums[..., 0], steps, limits, kind)
    else:
        tree = min(accumulation.tree, c1 - c0)
        _multiply(inputs, weights, sums, steps, limits, kind, tree)
    if sums is not acc:
        acc[...] = sums


def _kind(inputs: Array, weights: Array, accumulation: Accumulation) -> int:
    """The quickest way to add that is exact for these operands."""
    if accumulation.products == "rounded":
        return ROUNDED
    if significant_bits(inputs) + significant_bits(weights) > MOST_BITS[accumulation.format]:
        return ODD
    as_ieee = accumulation.on_overflow == "infinity" and accumulation.subnormals == "keep"
    return CAST if accumulation.format == FP32 and as_ieee else PLAIN


def significant_bits(values: Array) -> int:
    """Bits that each of the float32 `values` has at most."""
    mantissas = int(np.bitwise_or.reduce(values.view(np.uint32), axis=None)) & 0x7FFFFF
    return 24 - (mantissas & -mantissas).bit_length() + 1 if mantissas else 1


@allocating
def _multiply(
    inputs: Array, weights: Array, acc: Array, steps: Array, limits: Limits, kind: int, tree: int
) -> None:
    """inputs [b, rows, cols, g, c]; weights [g, FY, FX, c, k]; steps: strides and dilations."""
    images, rows, cols, groups, filters = acc.shape
    _, taps_y, taps_x, channels, _ = weights.shape
    terms, spare = np.empty((tree, filters)), np.empty((tree, filters))
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for g in range(groups):
                    for fy in range(taps_y):
                        for fx in range(taps_x):
                            row, col = y * steps[0] + fy * steps[2], x * steps[1] + fx * steps[3]
                            values = inputs[b, row, col, g]
                            for first in range(0, channels, tree):
                                count = min(tree, channels - first)
                                for i in range(count):
                                    value = np.float64(values[first + i])
                                    line = weights[g, fy, fx, first + i]
                                    for k in range(filters):
                                        terms[i, k] = value * np.float64(line[k])
                                term = _join(terms, spare, count, limits, kind)
                                _add(acc[b, y, x, g], term, limits, kind)


@allocating
def _multiply_lanes(
    inputs: Array, weights: Array, acc: Array, steps: Array, limits: Limits, kind: int
) -> None:
    """inputs [b, rows, cols, g]; weights [FY, FX, g]: one product a tap and channel."""
    images, rows, cols, channels = acc.shape
    terms = np.empty((1, channels))
    for b in range(images):
        for y in range(rows):
            for x in range(cols):
                for fy in range(weights.shape[0]):
                    for fx in range(weights.shape[1]):
                        row, col = y * steps[0] + fy * steps[2], x * steps[1] + fx * steps[3]
                        values, line = inputs[b, row, col], weights[fy, fx]
                        for g in range(channels):
                            terms[0, g] = np.float64(values[g]) * np.float64(line[g])
                        term = _join(terms, terms, 1, limits, kind)
                        _add(acc[b, y, x], term, limits, kind)


@allocating
def _join(terms: Array, spare: Array, count: int, limits: Limits, kind: int) -> Array:
    """The first `count` rows through an adder tree; an odd one goes up as it is.

    Levels go from one array into the other: vectors need to know that they do not overlap.
    """
    width = terms.shape[1]
    if kind == ROUNDED:
        for i in range(count):
            for k in range(width):
                terms[i, k] = stored(terms[i, k], limits)
    while count > 1:
        for i in range(count // 2):
            a, b, joined = terms[2 * i], terms[2 * i + 1], spare[i]
            for k in range(width):
                joined[k] = stored(odd_sum(a[k], b[k]), limits)
        if count % 2:
            spare[count // 2] = terms[count - 1]
        count = (count + 1) // 2
        terms, spare = spare, terms
    total: Array = terms[0]
    return total


@compiled
def _add(sums: Array, terms: Array, limits: Limits, kind: int) -> None:
    """sums += terms, rounded once."""
    if kind == CAST:
        for k in range(sums.shape[0]):
            sums[k] = np.float32(np.float64(sums[k]) + terms[k])
    elif kind == ODD:
        for k in range(sums.shape[0]):
            sums[k] = np.float32(stored(odd_sum(np.float64(sums[k]), terms[k]), limits))
    else:
        for k in range(sums.shape[0]):
            sums[k] = np.float32(stored(np.float64(sums[k]) + terms[k], limits))
