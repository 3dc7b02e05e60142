"""Whole layers in C: see `npusim.kernels.layers`. Weights are packed at a layer's first run."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from npusim.kernels import threads
from npusim.kernels.checks import (
    EIGHT_BIT,
    convolution_fits,
    requantize_fits,
    require_array,
    require_writable,
)
from npusim.kernels.layers import Layer, composed_layer
from npusim.kernels.native.convolution import conv_accumulate, depthwise_accumulate
from npusim.kernels.native.memory import (
    aligned,
    contiguous,
    element_strides,
    int64s,
    lib,
    pointer,
    require_memory,
)
from npusim.kernels.native.requantize import requantize
from npusim.numerics.requantize import Requantizer

Array = np.ndarray

PANEL_CHANNELS = 16
"""Filters that C computes together: factors are filled up to a multiple of it."""
DILATION_X = 3
"""Place in a geometry."""
QUAD = 4
"""Values of a unit whose products are those of bytes."""
MOST_LINES = 16
"""Input rows that the depthwise layer holds for two output rows; dilated ones need more."""
MOST_FORMS = 8
"""Shapes and strides of arrays whose arguments a layer keeps."""

_composed = composed_layer(conv_accumulate, depthwise_accumulate, requantize)
_ARITHMETICS = {
    "float32_rint": lib.NPUSIM_FLOAT32_RINT,
    "float64_half_away": lib.NPUSIM_FLOAT64_HALF_AWAY,
    "double_rounding": lib.NPUSIM_DOUBLE_ROUNDING,
    "single_rounding": lib.NPUSIM_SINGLE_ROUNDING,
}


def convolution_layer(
    w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
    requantizer: Requantizer,
) -> Layer:  # fmt: skip
    """See `npusim.kernels.layers`; `w` must not change while the layer is used."""
    composed = _composed(w, w_zero, x_zero, geometry, bias, requantizer)
    if not _fits(w, w_zero, x_zero, geometry, bias, requantizer):
        return composed
    return _NativeLayer(w, w_zero, x_zero, geometry, bias, requantizer, composed)


def _fits(
    w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array, r: Requantizer
) -> bool:
    """The checks of the two kernels, on images without pixels; and what the layers in C take."""
    if w.ndim != 5:
        raise ValueError(f"w {w.shape} must have five dimensions")
    groups, filters, taps_y, _, channels = w.shape
    tile = (0, 0, 0, groups, 0, filters, 0, channels, 0, 0, 0, 0)
    no_pixels = np.empty((0, 0, 0, groups, filters), np.int32)
    x = np.empty((0, 1, 1, groups, channels), np.int8)
    exact = convolution_fits(x, w, no_pixels, tile, geometry, x_zero, w_zero)
    exact = requantize_fits(no_pixels, bias, r, no_pixels.astype(np.int8)) and exact
    if filters == channels == 1:
        exact = exact and geometry[0] + (taps_y - 1) * geometry[2] < MOST_LINES
    return exact and w.size > 0


class _NativeLayer:
    """One layer: its packed weights and factors, and the call."""

    def __init__(
        self, w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
        requantizer: Requantizer, composed: Layer,
    ) -> None:  # fmt: skip
        self._w, self._w_zero, self._x_zero = w, np.ascontiguousarray(w_zero), x_zero
        self._bias, self._requantizer, self._composed = bias, requantizer, composed
        self._depthwise = w.shape[1] == w.shape[4] == 1
        self._geometry, self._w_shape = int64s(geometry), int64s(w.shape)
        self._made: dict[bool, tuple[tuple[Any, ...], tuple[Array, ...]]] = {}
        self._calls: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        byte_zero = 0 if w.dtype == np.int8 else 128
        self._unit_values = lib.npusim_unit_values(bool((w_zero == byte_zero).all()))

    def __call__(self, x: Array, out: Array) -> None:
        """Write `out`; ValueError for arrays that do not fit the weights."""
        form = x.shape, x.strides, x.dtype, out.shape, out.strides, out.dtype
        call = self._calls.get(form)
        if call is None:
            if len(self._calls) >= MOST_FORMS:
                self._calls.clear()
            call = self._calls[form] = self._prepare(x, out)
        require_writable("out", out)
        if not call:
            self._composed(x, out)
            return
        function, *between = call
        require_memory(function(pointer(x), *between, pointer(out), threads.allowed()))

    def _prepare(self, x: Array, out: Array) -> tuple[Any, ...]:
        """The function and its arguments between the two arrays; () if C does not take them."""
        groups, filters, _, _, channels = self._w.shape
        if x.ndim != 5 or out.ndim != 5:
            raise ValueError(f"x {x.shape} and out {out.shape} must have five dimensions")
        require_array("x", x, EIGHT_BIT, (*x.shape[:3], groups, channels))
        require_array("out", out, EIGHT_BIT, (x.shape[0], *out.shape[1:3], groups, filters))
        x_strides, out_strides = element_strides(x), element_strides(out)
        along = 3 if self._depthwise else 4
        fast = out_strides[along] == 1 and (x_strides[3] == 1 or not self._depthwise)
        if out.size == 0 or not fast or not 0 <= self._unsigned_zero(x.dtype) <= 255:
            return ()
        function = lib.npusim_depthwise_layer if self._depthwise else lib.npusim_convolution_layer
        return (
            function, int64s(x.shape), x_strides, x.dtype == np.int8, self._x_zero,
            self._packed[0], self._w_shape, self._unit_values, self._geometry,
            *self._factors(x.dtype == np.int8), int64s(out.shape), out_strides,
        )  # fmt: skip

    def _unsigned_zero(self, x: np.dtype) -> int:
        return self._x_zero + (128 if x == np.int8 else 0)

    @functools.cached_property
    def _packed(self) -> tuple[Any, Array, Array]:
        """The packed weights as C takes them, what keeps them alive, and the filters' sums."""
        w, zeros = self._w, self._w_zero
        sums = np.empty(w.shape[0] * w.shape[1], np.int32)
        source = pointer(w), self._w_shape, element_strides(w), w.dtype == np.int8, pointer(zeros)
        if self._depthwise:
            form = self._geometry, self._unit_values
            packed = aligned(lib.npusim_depthwise_packed_bytes(self._w_shape, *form))
            lib.npusim_pack_depthwise(*source, *form, pointer(packed), pointer(sums))
        else:
            form = self._geometry[DILATION_X], self._unit_values
            packed = aligned(lib.npusim_packed_bytes(self._w_shape, *form))
            lib.npusim_pack_weights(*source, w.shape[1], *form, pointer(packed), pointer(sums))
        return pointer(packed), packed, sums

    def _factors(self, x_signed: bool) -> tuple[Any, ...]:
        """The arguments from `arithmetic` to `high`, made once for each type of x."""
        if x_signed not in self._made:
            self._made[x_signed] = self._make_factors(x_signed)
        return self._made[x_signed][0]

    def _make_factors(self, x_signed: bool) -> tuple[tuple[Any, ...], tuple[Array, ...]]:
        """The arguments, and the arrays that they point to."""
        r = self._requantizer
        bias = self._bias.astype(np.int64)
        if self._unit_values == QUAD:
            zero = self._x_zero + (128 if x_signed else 0)
            bias = bias - zero * self._packed[2].astype(np.int64)
        kept = (
            self._panels(bias.astype(np.int32)), self._panels(contiguous(r.scale, np.float32)),
            self._panels(contiguous(r.real_scale, np.float64)),
            self._panels(contiguous(r.multiplier, np.int32)),
            self._panels(contiguous(r.shift, np.int32)),
        )  # fmt: skip
        numbers = (pointer(array) for array in kept)
        return (_ARITHMETICS[r.arithmetic], *numbers, r.zero_point, r.low, r.high), kept

    def _panels(self, values: Array) -> Array:
        """[G * K] as [G, K rounded up to whole panels], filled with zeros."""
        groups, filters = self._w.shape[:2]
        if self._depthwise:
            groups, filters = 1, groups
        filled = np.zeros((groups, -(-filters // PANEL_CHANNELS) * PANEL_CHANNELS), values.dtype)
        filled[:, :filters] = values.reshape(groups, filters)
        return filled
