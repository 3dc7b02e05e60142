"""Arguments of the kernels of wide, saturating and blocked integer sums, and of their drain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from npusim.doctor.array_cases import ConvolutionCase, LayerCase, RequantizeCase, convolution
from npusim.doctor.draws import ORDERS, Draw, array, as_view, full_range, generator
from npusim.ir.loopnest import Tile
from npusim.kernels.table import Kernels
from npusim.numerics.requantize import make_requantizer

UP_TO_16_BIT = (np.int8, np.uint8, np.int16, np.uint16)
__all__ = [
    "ConvolutionCase", "LayerCase", "RequantizeCase", "SumCase", "Tile", "blocked", "saturating",
    "wide", "wide_drain", "wide_layer",
]  # fmt: skip
_NARROW = (np.int8, np.uint8, np.int8, np.int16, np.uint16)
"""Types of weights; most are of 8 bits or less."""
WIDE_ARITHMETICS = ("float32_rint", "float64_half_away", "reduced_multiplier")


@dataclass(frozen=True)
class SumCase:
    """A tile's products, and what the kernel takes behind them."""

    products: ConvolutionCase
    more: tuple[object, ...]

    def run(self, table: Kernels, name: str) -> np.ndarray:
        """The accumulators after the kernel `name` of `table`."""
        it = self.products
        acc = it.acc.copy(order="K")
        table.get(name)(it.x, it.w, acc, it.tile, it.geometry, it.x_zero, it.w_zero, *self.more)
        return acc


def wide(draw: Draw, depthwise: bool = False) -> SumCase:
    """Operands of 8 and 16 bits, sums in int64 that may wrap."""
    found = convolution(draw, depthwise, UP_TO_16_BIT, _NARROW, np.int64)
    if draw.integer(0, 1):  # as in files: symmetric
        found = replace(found, x_zero=0, w_zero=np.zeros_like(found.w_zero))
    return SumCase(found, ())


def saturating(draw: Draw, depthwise: bool = False) -> SumCase:
    """Accumulators from far too narrow to wide enough, trees from none to a whole reduction."""
    found = convolution(draw, depthwise, UP_TO_16_BIT, _NARROW, np.int64)
    bits = draw.choice((8, 16, 17, 20, 24, 31, 32, 33, 40, 62))
    unused = np.int64(64 - bits)
    found = replace(found, acc=(found.acc << unused) >> unused)
    return SumCase(found, (bits, draw.choice((1, 2, 3, 4, 16, 1000))))


def blocked(draw: Draw, depthwise: bool = False) -> SumCase:
    """Blocks of some channels, of one and of all; scales of either sign."""
    found = convolution(draw, depthwise, UP_TO_16_BIT, _NARROW, np.int64)
    block = draw.choice((1, 2, 3, 8, 32))
    count = -(-found.w.shape[4] // block)
    shape = (*found.w.shape[:4], count)
    rng = generator(draw)
    scale = rng.normal(0, 0.01, shape).astype(np.float32)
    zeros = array(draw, found.w.dtype, shape).astype(np.int32)
    acc = rng.normal(0, 10, found.acc.shape).astype(np.float32)
    acc = as_view(acc, draw.choice(ORDERS))
    found = replace(found, w_zero=zeros, acc=acc)
    return SumCase(found, (scale, block, draw.choice((12, 16, 24, 32, 40, 64))))


def wide_drain(draw: Draw, shape: tuple[int, ...] | None = None) -> RequantizeCase:
    """Drains of int64 sums, with ties and without."""
    if shape is None:
        shape = tuple(draw.integer(1, extent) for extent in (2, 3, 3, 4, 23))
    channels = shape[3] * shape[4]
    rng = generator(draw)
    ties = draw.integer(0, 1)
    powers = 2.0 ** -rng.integers(-6, 20, channels)
    scale = powers if ties else rng.uniform(1e-7, 0.1, channels)
    reach = draw.choice((2**12, 2**24, 2**39, 2**46))
    acc = rng.integers(-reach, reach, shape)
    dtype = draw.choice(UP_TO_16_BIT)
    low, high = sorted((draw.integer(*full_range(dtype)), draw.integer(*full_range(dtype))))
    requantizer = make_requantizer(
        draw.choice(WIDE_ARITHMETICS), scale.astype(np.float32), scale,
        draw.integer(*full_range(dtype)), low, high,
    )  # fmt: skip
    out = as_view(np.zeros(shape, dtype), draw.choice(ORDERS))
    bias = rng.integers(-reach, reach, channels)
    return RequantizeCase(acc, bias, requantizer, out, "requantize_wide")


def wide_layer(draw: Draw, depthwise: bool = False) -> LayerCase:
    """Whole layers of operands of 8 and 16 bits."""
    products = wide(draw, depthwise).products
    groups, filters = products.w.shape[:2]
    rows, cols = draw.integer(1, 7), draw.integer(1, 70 if depthwise else 7)
    shape = (products.x.shape[0], rows, cols, groups, filters)
    return LayerCase(products, wide_drain(draw, shape), "convolution_layer_wide")
