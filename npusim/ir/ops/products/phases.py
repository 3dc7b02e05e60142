"""Phases of a transposed convolution: output pixel y belongs to phase (y + padding) mod stride.

The pixels of all phases with one quotient (y + padding) div stride are computed together; tap f
meets phase f * dilation mod stride, with the input pixel f * dilation div stride before the
quotient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.views import channels_last


@dataclass(frozen=True)
class Phases:
    """One axis: `filter_taps` of the filter, stride, dilation, output cut off before, its size."""

    filter_taps: int
    stride: int
    dilation: int
    cut: int
    size: int

    @property
    def taps(self) -> int:
        """Input pixels that the phases see, from the first to the last one."""
        return (self.filter_taps - 1) * self.dilation // self.stride + 1

    @property
    def first(self) -> int:
        """The quotient of the first output pixel."""
        return self.cut // self.stride

    @property
    def extent(self) -> int:
        """Number of quotients that output pixels have."""
        return (self.size - 1 + self.cut) // self.stride - self.first + 1

    @property
    def padding(self) -> int:
        """Input pixels before the image that the first quotient sees; negative: it starts inside"""
        return self.taps - 1 - self.first

    def tap(self, filter_tap: int) -> tuple[int, int]:
        """(phase, tap among the phase's) of a tap of the filter."""
        quotient, phase = divmod(filter_tap * self.dilation, self.stride)
        return phase, self.taps - 1 - quotient

    def pixels(self, start: int, stop: int, phase: int) -> tuple[np.ndarray, np.ndarray]:
        """Quotients in start..stop, counted from `start`, and the output pixels of `phase`."""
        pixels = np.arange(start + self.first, stop + self.first) * self.stride + phase - self.cut
        inside = np.flatnonzero((pixels >= 0) & (pixels < self.size))
        return inside, pixels[inside]


@dataclass(frozen=True)
class Interleaving:
    """Both axes, and how the tile [b, oy, ox, g, k * phases + phase] lies in the output."""

    y: Phases
    x: Phases
    size: tuple[int, int]
    groups: int
    channel_axis: int

    @property
    def phases(self) -> int:
        """Phases of both axes."""
        return self.y.stride * self.x.stride

    def spread_weights(self, w: np.ndarray, zero: np.ndarray) -> np.ndarray:
        """Weights [O, FY, FX, C] as [O * phases, taps, taps, C]; `zero` [O] where there is none."""
        outputs, taps_y, taps_x, depth = w.shape
        spread = np.empty((outputs, self.phases, self.y.taps, self.x.taps, depth), w.dtype)
        spread[...] = zero.astype(w.dtype).reshape(-1, 1, 1, 1, 1)
        for fy in range(taps_y):
            row, at_y = self.y.tap(fy)
            for fx in range(taps_x):
                column, at_x = self.x.tap(fx)
                spread[:, row * self.x.stride + column, at_y, at_x] = w[:, fy, fx]
        return spread.reshape(-1, *spread.shape[2:])

    def write(self, part: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """Put a tile's values [b, oy, ox, g, k] into the output's pixels."""
        out = self._grouped(output)
        for target, source in self._places(tile):
            out[target] = part[source]

    def copy(self, whole: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """Copy a tile's pixels of `whole`, which has the shape of the output."""
        source, out = self._grouped(whole), self._grouped(output)
        for target, _ in self._places(tile):
            out[target] = source[target]

    def _grouped(self, output: np.ndarray) -> np.ndarray:
        last = channels_last(output, self.channel_axis)
        return last.reshape(*last.shape[:3], self.groups, -1)

    def _places(self, tile: Tile) -> list[tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]]:
        """For each phase the index of a tile's pixels in the output, and in the tile."""
        places = []
        channels = np.arange(tile.k0, tile.k1)
        b, g = np.arange(tile.b0, tile.b1), np.arange(tile.g0, tile.g1)
        for phase in range(self.phases):
            mine = np.flatnonzero(channels % self.phases == phase)
            rows = self.y.pixels(tile.y0, tile.y1, phase // self.x.stride)
            cols = self.x.pixels(tile.x0, tile.x1, phase % self.x.stride)
            target = np.ix_(b, rows[1], cols[1], g, channels[mine] // self.phases)
            source = np.ix_(b - tile.b0, rows[0], cols[0], g - tile.g0, mine)
            places.append((target, source))
        return places
