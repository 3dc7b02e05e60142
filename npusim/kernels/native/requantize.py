"""The C drain: see `npusim.kernels.reference.requantize` for what it computes."""

from __future__ import annotations

import numpy as np

from npusim.kernels.checks import requantize_fits
from npusim.kernels.native.memory import contiguous, element_strides, int64s, lib, pointer
from npusim.kernels.reference import requantize as reference
from npusim.numerics.requantize import Requantizer

Array = np.ndarray


def requantize(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> None:
    """See the reference."""
    if not requantize_fits(acc, bias, requantizer, out):
        reference.requantize(acc, bias, requantizer, out)
    elif acc.size:
        _call(acc, bias, requantizer, out)


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
