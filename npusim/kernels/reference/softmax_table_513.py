"""Softmax of 16 bits by two tables (TFLite): exp of differences, then 1 over their sum.

For each row, e = exp(x - max) in Q0.15 and s = sum of e in Q16.15, whose leading one, at bit h, is
shifted to bit 16; the fraction behind it gives r = 1 / (1 + fraction) in Q0.15, and
y = (e * r + half) >> h. Source: `SoftmaxInt16` in LiteRT's reference/softmax.h.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale
from npusim.kernels.reference.unary_table_513 import interpolated
from npusim.numerics.wide_softmax import WideSoftmax

Array = np.ndarray

_LOW, _HIGH = -(2**15), 2**15 - 1


def softmax_table_513(x: Array, out: Array, p: WideSoftmax) -> None:
    """x, out int16 [..., n]; one softmax a row."""
    values = x.astype(np.int64)
    difference = values - values.max(axis=-1, keepdims=True)
    scaled = rescale(difference, p.multiplier, p.shift) + _HIGH
    exponential = interpolated(np.clip(scaled, _LOW, _HIGH), p.exponential)
    total = exponential.sum(axis=-1, keepdims=True)
    bits = np.floor(np.log2(total.astype(np.float64))).astype(np.int64)
    mantissa = ((total << (30 - bits)) + (1 << 13)) >> 14
    fraction = np.clip(mantissa - (1 << 15) - (1 << 16), _LOW, _HIGH)
    reciprocal = interpolated(fraction, p.reciprocal)
    result = (exponential * reciprocal + (np.int64(1) << (bits - 1))) >> bits
    out[...] = np.clip(result, 0, p.high).astype(out.dtype)
