"""Sums and layers of 16-bit inputs in C: see the references of these names.

Products of pairs are summed in int32 as long as the weights prove that they fit, then in int64. A
layer packs its weights at its first run, and makes its outputs in bands of rows, so that the int64
sums of a band stay in a cache.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.kernels.checks import UP_TO_16_BIT, require_array, require_writable, wide_fits
from npusim.kernels.layers import Layer
from npusim.kernels.native.integer_sums import conv_accumulate_exact, operands, put_back
from npusim.kernels.native.memory import int64s, lib, pointer
from npusim.kernels.native.requantize import requantize_wide
from npusim.kernels.plans import INT16_MOST, INT32_MOST, Stored16, is_empty, magnitude, tile_weights
from npusim.kernels.reference import convolution
from npusim.kernels.regions import PANEL, grouped, region
from npusim.numerics.requantize import Requantizer

Array = np.ndarray

FEWEST_UNITS = 16
"""Units of two products between two additions to int64, below which the exact form is as fast."""
BAND_BYTES = 512 * 1024
"""Sums of a band of output rows: half a second-level cache of 1 MiB."""


@dataclass(frozen=True)
class Packed:
    """The weights of a tile as C reads them.

    `data` is [g, panel, run, unit, 16, 2] int16, or [FY, FX, g] of a depthwise tile; `runs` are of
    inputs that stand side by side; the products of `chunk` units fit int32. `sums` int64 [g, k].
    """

    data: Array
    shape: tuple[int, ...]
    sums: Array
    runs: int
    units: int
    chunk: int

    @property
    def is_depthwise(self) -> bool:
        """True if one filter sees one channel."""
        return self.data.ndim == 3

    @staticmethod
    def of(weights: Array, dilation_x: int) -> Packed | None:
        """Of int32 weights [g, k, FY, FX, c] minus their zero points; None if few products fit."""
        most = magnitude(weights)
        chunk = INT32_MOST // (INT16_MOST * max(most, 1)) // 2
        if chunk < FEWEST_UNITS or most >= INT16_MOST:
            return None
        g, k, taps_y, taps_x, c = weights.shape
        sums = weights.sum((2, 3, 4), dtype=np.int64)
        if k == c == 1 and taps_y * taps_x <= 2 * chunk:
            plain = weights[:, 0, :, :, 0].transpose(1, 2, 0).astype(np.int16)
            return Packed(np.ascontiguousarray(plain), weights.shape, sums, 0, 0, chunk)
        runs = taps_y if dilation_x == 1 else taps_y * taps_x
        values = weights[0, 0].size // runs
        units = (values + 1) // 2
        count = -(-k // PANEL)
        filled = np.zeros((g, count * PANEL, runs, 2 * units), np.int16)
        filled[:, :k, :, :values] = weights.reshape(g, k, runs, values)
        split = filled.reshape(g, count, PANEL, runs, units, 2).transpose(0, 1, 3, 4, 2, 5)
        return Packed(np.ascontiguousarray(split), weights.shape, sums, runs, units, chunk)

    def add(
        self, x: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int], stored: Stored16
    ) -> None:
        """Add the products of stored inputs (zeros not taken off) to `acc`, contiguous."""
        taps_y, taps_x, c = self.shape[2:]
        seen = region(x, (taps_y, taps_x), tile, geometry, stored.minus, stored.zero, np.int16)
        if self.is_depthwise:
            inputs = seen.reshape(seen.shape[0], 1, *seen.shape[1:4])
            call, _kept = operands(inputs, self.data, self.shape, acc.shape, geometry)
            lib.npusim_sum_wide_depthwise(call, pointer(acc))
            return
        inputs = _with_spare(grouped(seen))
        call, _kept = operands(inputs, self.data, self.shape, acc.shape, geometry)
        line, pixel = seen.shape[2] * c * geometry[2], c * geometry[3]
        first = (
            (fy * line + fx * pixel) * inputs.itemsize
            for fy in range(taps_y)
            for fx in range(taps_x if self.runs > taps_y else 1)
        )
        lib.npusim_sum_wide(call, int64s(first), self.runs, self.units, self.chunk, pointer(acc))


def _with_spare(values: Array) -> Array:
    """The same values, with one more behind them that may be read."""
    flat = np.empty(values.size + 1, values.dtype)
    flat[:-1], flat[-1] = values.reshape(-1), 0
    return flat[:-1].reshape(values.shape)


def conv_accumulate_wide(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if not wide_fits(x, w, acc, tile, geometry, x_zero, w_zero):
        convolution.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    if is_empty(tile, w.shape[2:4]):
        return
    stored = Stored16.of(x.dtype, x_zero)
    packed = Packed.of(tile_weights(w, tile, w_zero), geometry[3]) if stored else None
    if stored is None or packed is None:
        conv_accumulate_exact(x, w, acc, tile, geometry, x_zero, w_zero)
        return
    sums = np.ascontiguousarray(acc)
    packed.add(x, sums, tile, geometry, stored)
    if stored.zero:
        sums -= stored.zero * packed.sums
    put_back(sums, acc)


def convolution_layer_wide(
    w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
    requantizer: Requantizer,
) -> Layer:  # fmt: skip
    """See `npusim.kernels.layers`; `w` must not change while the layer is used."""
    return _WideLayer(w, w_zero, x_zero, geometry, bias, requantizer)


class _WideLayer:
    """One layer: its packed weights, and its bands."""

    def __init__(
        self, w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
        requantizer: Requantizer,
    ) -> None:  # fmt: skip
        self._w, self._w_zero, self._x_zero = w, w_zero, x_zero
        self._geometry, self._bias, self._requantizer = geometry, bias, requantizer

    def __call__(self, x: Array, out: Array) -> None:
        """Write `out`; ValueError for arrays that do not fit the weights."""
        groups, filters, _, _, channels = self._w.shape
        if x.ndim != 5 or out.ndim != 5:
            raise ValueError(f"x {x.shape} and out {out.shape} must have five dimensions")
        require_array("x", x, UP_TO_16_BIT, (*x.shape[:3], groups, channels))
        require_array("out", out, UP_TO_16_BIT, (x.shape[0], *out.shape[1:3], groups, filters))
        require_writable("out", out)
        if out.shape[1] == x.shape[1] == self._w.shape[2] == 1 and not self._geometry[4]:
            x, out = x.swapaxes(0, 1), out.swapaxes(0, 1)  # a batch of rows is one tall image
        row_bytes = max(1, 8 * out[0, :1].size if len(out) else 1)
        rows = max(1, BAND_BYTES // row_bytes)
        for b in range(out.shape[0]):
            for y in range(0, out.shape[1], rows):
                self._make_band(x, out[b : b + 1, y : y + rows], b, y)

    def _make_band(self, x: Array, part: Array, b: int, y: int) -> None:
        groups, filters, _, _, channels = self._w.shape
        sizes = (groups, filters, channels)
        bounds = (bound for size in sizes for bound in (0, size))
        tile = (b, b + 1, *bounds, y, y + part.shape[1], 0, part.shape[2])
        acc = np.zeros(part.shape, np.int64)
        given = x, self._w, acc, tile, self._geometry, self._x_zero, self._w_zero
        stored = Stored16.of(x.dtype, self._x_zero)
        bias = self._bias
        if not wide_fits(*given) or stored is None or self._packed is None:
            conv_accumulate_exact(*given)
        elif not is_empty(tile, self._w.shape[2:4]):
            self._packed.add(x, acc, tile, self._geometry, stored)
            bias = bias - stored.zero * self._packed.sums.reshape(-1)
        requantize_wide(acc, bias, self._requantizer, part)

    @functools.cached_property
    def _packed(self) -> Packed | None:
        everything: Any = (0, 0, *(v for n in (0, 1, 4) for v in (0, self._w.shape[n])), 0, 0, 0, 0)
        return Packed.of(tile_weights(self._w, everything, self._w_zero), self._geometry[3])
