"""C convolutions: see `npusim.kernels.reference.convolution` for what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npusim.kernels.checks import convolution_fits, depthwise_fits
from npusim.kernels.native.memory import (
    contiguous,
    element_strides,
    int64s,
    lib,
    pointer,
    require_memory,
)
from npusim.kernels.reference import convolution as reference

Array = np.ndarray


def conv_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if convolution_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        _call(lib.npusim_conv_accumulate, x, w, acc, tile, geometry, x_zero, w_zero)
    else:
        reference.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def depthwise_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference; needs one input and one output channel a group."""
    if depthwise_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        _call(lib.npusim_depthwise_accumulate, x, w, acc, tile, geometry, x_zero, w_zero)
    else:
        reference.depthwise_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def _call(
    function: Any, x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    sums = contiguous(acc, np.int32)
    zeros = contiguous(w_zero, np.int32)
    status = function(
        pointer(x), int64s(x.shape), element_strides(x), x.dtype == np.int8,
        pointer(w), int64s(w.shape), element_strides(w), w.dtype == np.int8,
        pointer(zeros), int(x_zero), int64s(tile), int64s(geometry), pointer(sums),
    )  # fmt: skip
    require_memory(status)
    if sums is not acc:
        acc[...] = sums
