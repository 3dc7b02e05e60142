"""The C drain: see `npusim.kernels.reference.requantize` for what it computes."""

from __future__ import annotations

import numpy as np

from npusim.kernels.checks import requantize_fits, requantize_wide_fits
from npusim.kernels.native.memory import contiguous, element_strides, int64s, lib, pointer
from npusim.kernels.reference import requantize as reference
from npusim.numerics.requantize import Requantizer, reduced

Array = np.ndarray

_WIDE_ARITHMETICS = {
    "float32_rint": lib.NPUSIM_FLOAT32_RINT,
    "float64_half_away": lib.NPUSIM_FLOAT64_HALF_AWAY,
    "reduced_multiplier": lib.NPUSIM_REDUCED_MULTIPLIER,
}


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference."""
    if not requantize_fits(acc, bias, requantizer, out):
        reference.requantize(acc, bias, requantizer, out)
    elif acc.size:
        _call(acc, bias, requantizer, out)


def requantize_wide(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference; sums of int64 have the fast form."""
    r = requantizer
    if acc.dtype != np.int64 or not requantize_wide_fits(acc, bias, r, out):
        reference.requantize(acc, bias, r, out)
        return
    sums, offsets = contiguous(acc, np.int64), contiguous(bias, np.int64)
    scale, real = contiguous(r.scale, np.float32), contiguous(r.real_scale, np.float64)
    factor, right = reduced(r.multiplier), 15 - r.shift.astype(np.int64)
    lib.npusim_requantize_wide(
        pointer(sums), pointer(offsets), _WIDE_ARITHMETICS[r.arithmetic], pointer(scale),
        pointer(real), pointer(factor), pointer(right), r.zero_point, r.low, r.high,
        int64s(acc.shape), element_strides(out), out.itemsize, pointer(out),
    )  # fmt: skip


def _call(acc: Array, bias: Array, r: Requantizer, out: Array) -> None:
    sums, offsets = contiguous(acc, np.int32), contiguous(bias, np.int32)
    scale, multiplier = contiguous(r.scale, np.float32), contiguous(r.multiplier, np.int32)
    shift = contiguous(r.shift, np.int32)
    output = (r.zero_point, r.low, r.high, int64s(acc.shape), element_strides(out), pointer(out))
    if r.arithmetic == "float32_rint":
        lib.npusim_requantize_float32_rint(pointer(sums), pointer(offsets), pointer(scale), *output)
        return
    if r.arithmetic == "float64_half_away":
        real = contiguous(r.real_scale, np.float64)
        lib.npusim_requantize_float64_half_away(
            pointer(sums), pointer(offsets), pointer(real), *output
        )
        return
    fixed_point = {
        "double_rounding": lib.npusim_requantize_double_rounding,
        "single_rounding": lib.npusim_requantize_single_rounding,
    }[r.arithmetic]
    factors = pointer(multiplier), pointer(shift)
    fixed_point(pointer(sums), pointer(offsets), *factors, *output)
