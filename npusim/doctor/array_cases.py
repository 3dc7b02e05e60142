"""Arguments of the kernels that stand for the MAC array and its output stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from npusim.doctor.draws import (
    EIGHT_BIT,
    ORDERS,
    Draw,
    array,
    as_view,
    bounds,
    full_range,
    generator,
)
from npusim.ir.loopnest import Tile
from npusim.kernels.table import Kernels
from npusim.numerics.requantize import ARITHMETICS, Requantizer, make_requantizer


@dataclass(frozen=True)
class ConvolutionCase:
    """Arguments of `conv_accumulate` and `depthwise_accumulate`, before `acc`."""

    x: np.ndarray
    w: np.ndarray
    acc: np.ndarray
    tile: Tile
    geometry: tuple[int, int, int, int, int, int]
    x_zero: int
    w_zero: np.ndarray

    def run(self, table: Kernels, name: str) -> np.ndarray:
        """The accumulators after the kernel `name` of `table`."""
        acc = self.acc.copy(order="K")
        table.get(name)(self.x, self.w, acc, self.tile, self.geometry, self.x_zero, self.w_zero)
        return acc


def convolution(
    draw: Draw, depthwise: bool = False, x_types: Sequence[type] = EIGHT_BIT,
    w_types: Sequence[type] = EIGHT_BIT, sums: type = np.int32,
) -> ConvolutionCase:  # fmt: skip
    """Small convolutions of every kind: odd sizes, strides, dilations, padding, groups, tiles."""
    b, taps_y, taps_x = (draw.integer(1, 3) for _ in range(3))
    g = draw.integer(1, draw.choice((37, 150)) if depthwise else 3)
    k = 1 if depthwise else draw.integer(1, 35)
    c = 1 if depthwise else draw.integer(1, 21)
    height, width = draw.integer(1, 8), draw.integer(1, 8)
    stride_y, stride_x, dilation_y, dilation_x = (draw.integer(1, 3) for _ in range(4))
    top, left = draw.integer(0, 4), draw.integer(0, 4)
    rows = _outputs(draw, height + top, taps_y, dilation_y, stride_y)
    cols = _outputs(draw, width + left, taps_x, dilation_x, stride_x)
    limits = [bounds(draw, extent) for extent in (b, g, k, c, rows, cols)]
    tile = Tile(*(bound for pair in limits for bound in pair))
    sizes = [tile[i + 1] - tile[i] for i in (0, 8, 10, 2, 4)]
    x_dtype, w_dtype = draw.choice(x_types), draw.choice(w_types)
    return ConvolutionCase(
        array(draw, x_dtype, (b, height, width, g, c)),
        array(draw, w_dtype, (g, k, taps_y, taps_x, c)),
        array(draw, sums, tuple(sizes)),
        tile,
        (stride_y, stride_x, dilation_y, dilation_x, top, left),
        draw.integer(*full_range(x_dtype)),
        array(draw, w_dtype, (g, k)).astype(np.int32),
    )


@dataclass(frozen=True)
class LayerCase:
    """Arguments of `convolution_layer`, and the arrays that the layer runs on."""

    products: ConvolutionCase
    drain: RequantizeCase
    name: str = "convolution_layer"

    def run(self, table: Kernels) -> np.ndarray:
        """The output of a layer that has run before, as that of a second inference."""
        it = self.products
        layer = table.get(self.name)(
            it.w, it.w_zero, it.x_zero, it.geometry, self.drain.bias, self.drain.requantizer
        )
        out = self.drain.out.copy(order="K")
        layer(np.zeros_like(it.x), out)
        layer(it.x, out)
        return out


def layer(draw: Draw, depthwise: bool = False) -> LayerCase:
    """Whole layers, most of them with symmetric weights as trained ones have."""
    drawn = convolution(draw, depthwise)
    if draw.integer(0, 3):
        zero = 0 if drawn.w.dtype == np.int8 else 128
        drawn = replace(drawn, w_zero=np.full_like(drawn.w_zero, zero))
    groups, filters = drawn.w.shape[:2]
    rows, cols = draw.integer(1, 7), draw.integer(1, 70 if depthwise else 7)
    shape = (drawn.x.shape[0], rows, cols, groups, filters)
    return LayerCase(drawn, requantization(draw, shape))


def _outputs(draw: Draw, padded: int, taps: int, dilation: int, stride: int) -> int:
    """Outputs along an axis: with up to 3 of padding at its end, or what one window needs."""
    window = (taps - 1) * dilation + 1
    return (max(padded + draw.integer(0, 3), window) - window) // stride + 1


@dataclass(frozen=True)
class RequantizeCase:
    """Arguments of `requantize`."""

    acc: np.ndarray
    bias: np.ndarray
    requantizer: Requantizer
    out: np.ndarray
    name: str = "requantize"

    def run(self, table: Kernels) -> np.ndarray:
        """The output of the kernel of `table`."""
        out = self.out.copy(order="K")
        table.get(self.name)(self.acc, self.bias, self.requantizer, out)
        return out


def requantization(draw: Draw, shape: tuple[int, ...] | None = None) -> RequantizeCase:
    """Drains with scales that make ties (powers of two), ordinary ones, and far too large ones."""
    if shape is None:
        shape = tuple(draw.integer(1, extent) for extent in (2, 3, 3, 4, 23))
    channels = shape[3] * shape[4]
    rng = generator(draw)
    bias = rng.integers(-(2**10), 2**10, channels).astype(np.int32)
    kind = draw.choice(("ties", "ordinary", "any power"))
    if kind == "ties":
        scale = 2.0 ** -rng.integers(1, 9, channels)
        acc = rng.integers(-(2**12), 2**12, shape).astype(np.int32)
    elif kind == "ordinary":
        scale = rng.uniform(1e-6, 0.1, channels)
        acc = rng.integers(-(2**22), 2**22, shape).astype(np.int32)
    else:
        scale = 2.0 ** rng.integers(-34, 34, channels)
        acc = array(draw, np.int32, shape, "C")
        bias = array(draw, np.int32, (channels,))
    dtype = draw.choice(EIGHT_BIT)
    low, high = sorted((draw.integer(*full_range(dtype)), draw.integer(*full_range(dtype))))
    requantizer = make_requantizer(
        draw.choice(sorted(ARITHMETICS)), scale.astype(np.float32), scale,
        draw.integer(*full_range(dtype)), low, high,
    )  # fmt: skip
    out = as_view(np.zeros(shape, dtype), draw.choice(ORDERS))
    return RequantizeCase(acc, bias, requantizer, out)
