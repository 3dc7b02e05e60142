"""The C drain: see `npusim.kernels.reference.requantize` for what it computes."""

from __future__ import annotations

import numpy as np

from npusim.kernels.native.memory import (
    EIGHT_BIT,
    contiguous,
    element_strides,
    int64s,
    lib,
    pointer,
    require,
    require_array,
    require_writable,
)
from npusim.kernels.reference import requantize as reference
from npusim.numerics.requantize import Requantizer

Array = np.ndarray

SHIFTS = (-31, 30)
"""Shifts for which the 64-bit fixed-point arithmetics neither overflow nor shift out of range."""
LARGEST_BOUND = 1 << 20
"""Clamps and zero points up to this keep the rounding of float32_rint exact."""


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference."""
    require(acc.ndim == 5, f"acc has {acc.ndim} dimensions, expected 5")
    channels = acc.shape[3] * acc.shape[4]
    require_array("acc", acc, ("int32",), acc.shape)
    require_array("bias", bias, ("int32",), (channels,))
    require_array("out", out, EIGHT_BIT, acc.shape)
    require_writable("out", out)
    require_array("scale", requantizer.scale, ("float32",), (channels,))
    require_array("multiplier", requantizer.multiplier, ("int32",), (channels,))
    require_array("shift", requantizer.shift, ("int32",), (channels,))
    if acc.size == 0:
        return
    if _in_range(requantizer):
        _call(acc, bias, requantizer, out)
    else:
        reference.requantize(acc, bias, requantizer, out)


def _in_range(r: Requantizer) -> bool:
    info = (r.zero_point, r.low, r.high)
    bounded = all(abs(value) <= LARGEST_BOUND for value in info) and r.low <= r.high
    if r.arithmetic == "float32_rint":
        return bounded and bool(np.isfinite(r.scale).all())
    fits = (r.shift >= SHIFTS[0]) & (r.shift <= SHIFTS[1]) & (r.multiplier >= 0)
    return bounded and bool(fits.all())


def _call(acc: Array, bias: Array, r: Requantizer, out: Array) -> None:
    sums, offsets = contiguous(acc, np.int32), contiguous(bias, np.int32)
    scale, multiplier = contiguous(r.scale, np.float32), contiguous(r.multiplier, np.int32)
    shift = contiguous(r.shift, np.int32)
    output = (r.zero_point, r.low, r.high, int64s(acc.shape), element_strides(out), pointer(out))
    if r.arithmetic == "float32_rint":
        lib.npusim_requantize_float32_rint(pointer(sums), pointer(offsets), pointer(scale), *output)
        return
    fixed_point = {
        "double_rounding": lib.npusim_requantize_double_rounding,
        "single_rounding": lib.npusim_requantize_single_rounding,
    }[r.arithmetic]
    factors = pointer(multiplier), pointer(shift)
    fixed_point(pointer(sums), pointer(offsets), *factors, *output)
