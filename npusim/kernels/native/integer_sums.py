"""C sums of wide, saturating and blocked integer products: see the references of these names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npusim.kernels.checks import blocked_fits, saturating_fits, wide_fits
from npusim.kernels.native.memory import ffi, int64s, lib, pointer
from npusim.kernels.plans import (
    INT32_MOST,
    greatest_input,
    is_empty,
    magnitude,
    tile_inputs,
    tile_weights,
)
from npusim.kernels.reference import blocked, convolution, saturating
from npusim.kernels.regions import panels

Array = np.ndarray


def conv_accumulate_exact(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """`conv_accumulate_wide` of any operands; those of 8-bit weights have a faster form."""
    if not wide_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        convolution.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    taps = w.shape[2:4]
    if is_empty(tile, taps):
        return
    weights = tile_weights(w, tile, w_zero)
    inputs = tile_inputs(x, taps, tile, geometry, x_zero)
    sums = np.ascontiguousarray(acc)
    call, _kept = operands(inputs, panels(weights, np.int32), weights.shape, acc.shape, geometry)
    lib.npusim_sum_exact(call, pointer(sums))
    put_back(sums, acc)


def conv_accumulate_saturating(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, bits: int, tree: int,
) -> None:  # fmt: skip
    """See the reference."""
    if not saturating_fits(x, w, acc, tile, geometry, x_zero, w_zero, bits, tree):
        saturating.conv_accumulate_saturating(
            x, w, acc, tile, geometry, x_zero, w_zero, bits, tree
        )  # fmt: skip
        return
    taps = w.shape[2:4]
    if is_empty(tile, taps):
        return
    weights = tile_weights(w, tile, w_zero)
    inputs = tile_inputs(x, taps, tile, geometry, x_zero)
    sums = np.ascontiguousarray(acc)
    added = min(tree, weights.shape[4]) * greatest_input(x.dtype, x_zero) * magnitude(weights)
    narrow = added + 2 ** (bits - 1) <= INT32_MOST
    call, _kept = operands(inputs, panels(weights, np.int32), weights.shape, acc.shape, geometry)
    lib.npusim_sum_saturating(call, tree, bits, narrow, pointer(sums))
    put_back(sums, acc)


def conv_accumulate_blocked(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, scale: Array, block: int, bits: int,
) -> None:  # fmt: skip
    """See the reference."""
    arguments = x, w, acc, tile, geometry, x_zero, w_zero, scale, block, bits
    if not blocked_fits(*arguments):
        blocked.conv_accumulate_blocked(*arguments)
        return
    taps = w.shape[2:4]
    if is_empty(tile, taps):
        return
    g0, g1, k0, k1, c0, c1 = tile[2:8]
    zeros = w_zero.repeat(block, 4)[g0:g1, k0:k1, :, :, c0:c1]
    weights = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int32) - zeros
    inputs = tile_inputs(x, taps, tile, geometry, x_zero)
    sums = np.ascontiguousarray(acc)
    added = min(block, c1 - c0) * greatest_input(x.dtype, x_zero) * magnitude(weights)
    narrow = added <= INT32_MOST
    call, _kept = operands(inputs, panels(weights, np.int32), weights.shape, acc.shape, geometry)
    factors = panels(scale[g0:g1, k0:k1], np.float32)
    width = min(bits, 32) if narrow else bits
    lib.npusim_sum_blocked(
        call, pointer(factors), scale.shape[4], block, c0, width, narrow, pointer(sums)
    )
    put_back(sums, acc)


def operands(
    inputs: Array, weights: Array, w_shape: Sequence[int], acc_shape: Sequence[int],
    geometry: Sequence[int],
) -> tuple[Any, tuple[Any, ...]]:  # fmt: skip
    """A `npusim_operands *`, and what it points to, which the caller keeps."""
    shape = int64s(inputs.shape)
    call = ffi.new("npusim_operands *")
    call.region = ffi.cast("void *", inputs.__array_interface__["data"][0])
    call.region_shape = shape
    call.weights = ffi.cast("void *", weights.__array_interface__["data"][0])
    call.filters, call.taps_y, call.taps_x = w_shape[1:4]
    call.out_rows, call.out_cols = acc_shape[1:3]
    call.stride_y, call.stride_x, call.dilation_y, call.dilation_x = geometry[:4]
    return call, (shape, inputs, weights)


def put_back(sums: Array, acc: Array) -> None:
    """Copy the sums to `acc` where they are not its own memory."""
    if sums is not acc:
        acc[...] = sums
