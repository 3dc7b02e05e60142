"""The Numba drain: see `npusim.kernels.reference.requantize` for what it computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from npusim.jit import compiled
from npusim.kernels.checks import requantize_fits
from npusim.kernels.reference import requantize as reference
from npusim.numerics.requantize import Requantizer

Array = np.ndarray

_CODES = {"double_rounding": 1, "single_rounding": 2, "float64_half_away": 3}
"""The arithmetics as `_drain` knows them."""


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference."""
    r = requantizer
    if not requantize_fits(acc, bias, r, out):
        reference.requantize(acc, bias, r, out)
        return
    sums = np.ascontiguousarray(acc).reshape(-1, bias.size) if acc.size else acc.reshape(0, 0)
    values = np.empty(sums.shape, np.uint8)
    bounds = np.array([r.zero_point, r.low, r.high], np.int32)
    offsets, scale = np.ascontiguousarray(bias), np.ascontiguousarray(r.scale)
    if r.arithmetic == "float32_rint":
        _drain_float32_rint(sums, offsets, scale, bounds, values)
    else:
        _drain_others(sums, offsets, r, bounds, values)
    out.view(np.uint8)[...] = values.reshape(out.shape)


def _drain_others(sums: Array, bias: Array, r: Requantizer, bounds: Array, values: Array) -> None:
    multiplier, shift = np.ascontiguousarray(r.multiplier), np.ascontiguousarray(r.shift)
    real = np.ascontiguousarray(r.real_scale)
    _drain(sums, bias, multiplier, shift, real, bounds, _CODES[r.arithmetic], values)


@compiled
def _drain_float32_rint(acc: Array, bias: Array, scale: Array, bounds: Array, out: Array) -> None:
    """The stored bytes; apart, since all of it fits 32 bits and so becomes vector instructions."""
    zero_point = bounds[0]
    low, high = np.float32(bounds[1] - zero_point), np.float32(bounds[2] - zero_point)
    for row in range(acc.shape[0]):
        sums, bytes_out = acc[row], out[row]
        for k in range(acc.shape[1]):
            scaled = np.float32(np.int32(sums[k] + bias[k])) * scale[k]
            scaled = min(max(scaled, low), high)
            bytes_out[k] = np.uint8(np.int32(np.rint(scaled)) + zero_point)


@compiled
def _drain(
    acc: Array, bias: Array, multiplier: Array, shift: Array, real: Array, bounds: Array,
    code: int, out: Array,
) -> None:  # fmt: skip
    """The stored bytes of the other arithmetics."""
    zero_point, low, high = np.int64(bounds[0]), np.int64(bounds[1]), np.int64(bounds[2])
    for row in range(acc.shape[0]):
        for k in range(acc.shape[1]):
            total = np.int32(acc[row, k] + bias[k])
            if code == 1:
                value = _double_rounding(total, multiplier[k], shift[k])
            elif code == 3:
                exact = max(np.float64(total) * real[k], np.float64(low - zero_point))
                exact = min(exact, np.float64(high - zero_point))
                value = np.int64(exact + np.copysign(0.5, exact))
            else:
                right = np.int64(31) - shift[k]
                product = np.int64(total) * np.int64(multiplier[k])
                value = (product + (np.int64(1) << (right - 1))) >> right
            out[row, k] = np.uint8(min(max(value + zero_point, low), high))


@compiled
def _double_rounding(total: Any, multiplier: Any, shift: Any) -> Any:
    left, right = max(shift, 0), max(-shift, 0)
    shifted = np.int64(np.int32(np.int64(total) << left))
    high = (shifted * np.int64(multiplier) + (np.int64(1) << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    remainder = high & mask
    return (high >> right) + (remainder > (mask >> 1) + (high < 0))
