"""The Numba drain of int64 sums: see `npusim.kernels.reference.requantize` for what it computes."""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.kernels.checks import requantize_wide_fits
from npusim.kernels.reference import requantize as reference
from npusim.numerics.requantize import Requantizer, reduced

Array = np.ndarray

_CODES = {"float32_rint": 0, "float64_half_away": 1, "reduced_multiplier": 2}
"""The arithmetics as the compiled function knows them."""


def requantize_wide(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference; sums of int64 have the fast form."""
    r = requantizer
    if acc.dtype != np.int64 or not requantize_wide_fits(acc, bias, r, out):
        reference.requantize(acc, bias, r, out)
        return
    sums = np.ascontiguousarray(acc).reshape(-1, bias.size) if acc.size else acc.reshape(0, 0)
    values = np.empty(sums.shape, np.int32)
    bounds = np.array([r.zero_point, r.low, r.high], np.int32)
    offsets, scale = np.ascontiguousarray(bias), np.ascontiguousarray(r.scale)
    multiplier, shift = reduced(r.multiplier), np.ascontiguousarray(r.shift)
    real = np.ascontiguousarray(r.real_scale)
    code = _CODES[r.arithmetic]
    _drain(sums, offsets, scale, multiplier, shift, real, bounds, code, values)
    out[...] = values.reshape(out.shape)


@compiled
def _drain(
    acc: Array, bias: Array, scale: Array, multiplier: Array, shift: Array, real: Array,
    bounds: Array, code: int, out: Array,
) -> None:  # fmt: skip
    zero_point, low, high = np.int64(bounds[0]), np.int64(bounds[1]), np.int64(bounds[2])
    for row in range(acc.shape[0]):
        for k in range(acc.shape[1]):
            total = acc[row, k] + bias[k]
            if code == 0:
                scaled = max(np.float32(total) * scale[k], np.float32(low - zero_point))
                value = np.int64(np.rint(min(scaled, np.float32(high - zero_point))))
            elif code == 1:
                exact = max(np.float64(total) * real[k], np.float64(low - zero_point))
                exact = min(exact, np.float64(high - zero_point))
                value = np.int64(exact + np.copysign(0.5, exact))
            else:
                right = np.int64(15) - shift[k]
                product = total * multiplier[k] + (np.int64(1) << (right - 1))
                value = np.int64(np.int32(product >> right))
            out[row, k] = min(max(value + zero_point, low), high)
