"""C sums in floating point: see `npusim.kernels.reference.convolution_rounded`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.checks import float_convolution_fits
from npusim.kernels.native.memory import (
    contiguous,
    element_strides,
    int64s,
    lib,
    pointer,
    require_memory,
)
from npusim.kernels.reference import convolution_rounded as reference
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.floats import LAYOUTS

Array = np.ndarray


def conv_accumulate_float(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    accumulation: Accumulation,
) -> None:  # fmt: skip
    """See the reference."""
    if not float_convolution_fits(x, w, acc, tile, geometry, accumulation):
        reference.conv_accumulate_float(x, w, acc, tile, geometry, accumulation)
        return
    sums = contiguous(acc, np.float32)
    layout = LAYOUTS[accumulation.format.name]
    status = lib.npusim_conv_accumulate_float(
        pointer(x), int64s(x.shape), element_strides(x),
        pointer(w), int64s(w.shape), element_strides(w), int64s(tile), int64s(geometry),
        layout.mantissa_bits, layout.least_normal, layout.greatest,
        accumulation.on_overflow == "saturate", accumulation.subnormals == "flush",
        accumulation.products == "rounded", accumulation.tree, pointer(sums),
    )  # fmt: skip
    require_memory(status)
    if sums is not acc:
        acc[...] = sums
