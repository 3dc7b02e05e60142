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
from npusim.kernels.regions import PANEL, panels

Array = np.ndarray


def conv_accumulate_exact(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """`conv_accumulate_wide` of any operands; those of 8-bit weights have a faster form."""
    if not wide_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        convolution.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    if is_empty(tile, w.shape[2:4]):
        return
    call, sums, _kept = _laid_out(x, tile_weights(w, tile, w_zero), acc, tile, geometry, x_zero)
    lib.npusim_sum_exact(call, pointer(sums))
    _put_back(sums, acc)


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
    if is_empty(tile, w.shape[2:4]):
        return
    weights = tile_weights(w, tile, w_zero)
    call, sums, _kept = _laid_out(x, weights, acc, tile, geometry, x_zero)
    added = min(tree, weights.shape[4]) * greatest_input(x.dtype, x_zero) * magnitude(weights)
    narrow = added + 2 ** (bits - 1) <= INT32_MOST
    lib.npusim_sum_saturating(call, tree, bits, narrow, pointer(sums))
    _put_back(sums, acc)


def conv_accumulate_blocked(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, scale: Array, block: int, bits: int,
) -> None:  # fmt: skip
    """See the reference."""
    arguments = x, w, acc, tile, geometry, x_zero, w_zero, scale, block, bits
    if not blocked_fits(*arguments):
        blocked.conv_accumulate_blocked(*arguments)
        return
    if is_empty(tile, w.shape[2:4]):
        return
    g0, g1, k0, k1, c0, c1 = tile[2:8]
    weights = tile_weights(w, tile, w_zero.repeat(block, 4))
    call, sums, _kept = _laid_out(x, weights, acc, tile, geometry, x_zero)
    added = min(block, c1 - c0) * greatest_input(x.dtype, x_zero) * magnitude(weights)
    narrow = added <= INT32_MOST
    chosen = scale[g0:g1, k0:k1]
    factors = panels(_sixteens(chosen) if call.lanes else chosen, np.float32)
    width = min(bits, 32) if narrow else bits
    lib.npusim_sum_blocked(
        call, pointer(factors), scale.shape[4], block, c0, width, narrow, pointer(sums)
    )
    _put_back(sums, acc)


def _laid_out(
    x: Array, weights: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int,
) -> tuple[Any, Array, tuple[Any, ...]]:  # fmt: skip
    """A `npusim_operands *`, contiguous sums with the values of `acc`, and what is pointed to.

    Depthwise tiles pass sixteen channels at a time; their sums [b, y, x, P, 16] may have some more
    channels than `acc`.
    """
    inputs = tile_inputs(x, weights.shape[2:4], tile, geometry, x_zero)
    if weights.shape[1] * weights.shape[4] > 1:
        sums, filters = np.ascontiguousarray(acc), weights
    else:
        filters = _sixteens(weights)
        groups = filters.shape[0]
        spread = np.zeros((inputs.shape[0], groups * PANEL, *inputs.shape[2:4]), np.int32)
        spread[:, : inputs.shape[1]] = inputs[..., 0]
        split = spread.reshape(len(spread), groups, PANEL, *inputs.shape[2:4])
        inputs = np.ascontiguousarray(split.transpose(0, 1, 3, 4, 2))
        sums = np.zeros((*acc.shape[:3], groups * PANEL), acc.dtype)
        sums[..., : acc.shape[3]] = acc[..., 0]
        sums = sums.reshape(*acc.shape[:3], groups, PANEL)
    packed = panels(filters, np.int32)
    call, kept = operands(inputs, packed, filters.shape, acc.shape, geometry)
    call.lanes = filters is not weights
    return call, sums, kept


def _sixteens(values: Array) -> Array:
    """Values [g, 1, FY, FX, n] of single filters as [g / 16, 16, FY, FX, n], filled up with 0."""
    count = -(-values.shape[0] // PANEL)
    filled = np.zeros((count * PANEL, *values.shape[2:]), values.dtype)
    filled[: values.shape[0]] = values[:, 0]
    return filled.reshape(count, PANEL, *values.shape[2:])


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


def _put_back(sums: Array, acc: Array) -> None:
    """The same for sums that may have channels to fill up sixteen."""
    if sums.shape != acc.shape:
        sums = sums.reshape(*acc.shape[:3], -1)[..., : acc.shape[3], None]
    put_back(sums, acc)
