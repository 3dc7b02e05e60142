"""Random arguments of kernels, and the comparison of a fast path with the numpy reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from npusim.ir.loopnest import Tile
from npusim.kernels.table import Kernels, kernels
from npusim.numerics.requantize import ARITHMETICS, Requantizer, make_requantizer

EIGHT_BIT = (np.int8, np.uint8)
ORDERS = ("C", "F", "reversed", "padded")


@st.composite
def arrays(draw: st.DrawFn, dtype: Any, shape: tuple[int, ...], order: str | None = None) -> Any:
    """An integer array: random, or of extreme values only; contiguous or one of several views."""
    info = np.iinfo(dtype)
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    values = rng.integers(info.min, info.max, shape, np.int64, endpoint=True)
    if draw(st.booleans()):
        values = np.where(rng.integers(0, 2, shape) == 1, info.min, info.max)
    return as_view(values.astype(dtype), order or draw(st.sampled_from(ORDERS)))


def as_view(values: np.ndarray, order: str) -> np.ndarray:
    """The same values in another memory layout; writing to the result is allowed."""
    if order == "F":
        return np.asfortranarray(values)
    if order == "reversed":
        return values[..., ::-1].copy()[..., ::-1]
    if order == "padded":
        larger = np.zeros(tuple(extent + 2 for extent in values.shape), values.dtype)
        view = larger[tuple(slice(1, -1) for _ in values.shape)]
        view[...] = values
        return view
    return np.ascontiguousarray(values)


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


def bounds(extent: int) -> st.SearchStrategy[tuple[int, int]]:
    """Half-open bounds in 0..extent: the whole, or any part, the empty one included."""
    part = st.tuples(st.integers(0, extent), st.integers(0, extent))
    return st.one_of(st.just((0, extent)), part.map(lambda pair: (min(pair), max(pair))))


@st.composite
def convolutions(draw: st.DrawFn, depthwise: bool = False) -> ConvolutionCase:
    """Small convolutions of every kind: odd sizes, strides, dilations, padding, groups, tiles."""
    small = st.integers(1, 3)
    b, taps_y, taps_x = draw(small), draw(small), draw(small)
    g = draw(st.integers(1, 37) if depthwise else small)
    k = 1 if depthwise else draw(st.integers(1, 35))
    c = 1 if depthwise else draw(st.integers(1, 21))
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    stride_y, stride_x, dilation_y, dilation_x = (draw(small) for _ in range(4))
    top, left = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    rows = (height + top + draw(st.integers(0, 3)) - (taps_y - 1) * dilation_y - 1) // stride_y + 1
    cols = (width + left + draw(st.integers(0, 3)) - (taps_x - 1) * dilation_x - 1) // stride_x + 1
    assume(rows > 0 and cols > 0)
    limits = [draw(bounds(extent)) for extent in (b, g, k, c, rows, cols)]
    tile = Tile(*(bound for pair in limits for bound in pair))
    sizes = [tile[i + 1] - tile[i] for i in (0, 8, 10, 2, 4)]
    x_dtype, w_dtype = draw(st.sampled_from(EIGHT_BIT)), draw(st.sampled_from(EIGHT_BIT))
    x_info = np.iinfo(x_dtype)
    return ConvolutionCase(
        draw(arrays(x_dtype, (b, height, width, g, c))),
        draw(arrays(w_dtype, (g, k, taps_y, taps_x, c))),
        draw(arrays(np.int32, tuple(sizes))),
        tile,
        (stride_y, stride_x, dilation_y, dilation_x, top, left),
        draw(st.integers(int(x_info.min), int(x_info.max))),
        draw(arrays(w_dtype, (g, k))).astype(np.int32),
    )


@dataclass(frozen=True)
class RequantizeCase:
    """Arguments of `requantize`."""

    acc: np.ndarray
    bias: np.ndarray
    requantizer: Requantizer
    out: np.ndarray

    def run(self, table: Kernels) -> np.ndarray:
        """The output of the kernel of `table`."""
        out = self.out.copy(order="K")
        table.get("requantize")(self.acc, self.bias, self.requantizer, out)
        return out


@st.composite
def requantizations(draw: st.DrawFn) -> RequantizeCase:
    """Drains with scales that make ties (powers of two), ordinary ones, and far too large ones."""
    shape = tuple(draw(st.integers(1, extent)) for extent in (2, 3, 3, 4, 23))
    channels = shape[3] * shape[4]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["ties", "ordinary", "any power"]))
    if kind == "ties":
        scale = 2.0 ** -rng.integers(1, 9, channels)
        acc = rng.integers(-(2**12), 2**12, shape).astype(np.int32)
    elif kind == "ordinary":
        scale = rng.uniform(1e-6, 0.1, channels)
        acc = rng.integers(-(2**22), 2**22, shape).astype(np.int32)
    else:
        scale = 2.0 ** rng.integers(-34, 34, channels)
        acc = draw(arrays(np.int32, shape, "C"))
    dtype = draw(st.sampled_from(EIGHT_BIT))
    info = np.iinfo(dtype)
    whole = st.integers(int(info.min), int(info.max))
    low, high = sorted((draw(whole), draw(whole)))
    requantizer = make_requantizer(
        draw(st.sampled_from(sorted(ARITHMETICS))),
        scale.astype(np.float32), scale, draw(whole), low, high,
    )  # fmt: skip
    bias = rng.integers(-(2**10), 2**10, channels).astype(np.int32)
    if kind == "any power":
        bias = draw(arrays(np.int32, (channels,)))
    order = draw(st.sampled_from(ORDERS))
    return RequantizeCase(acc, bias, requantizer, as_view(np.zeros(shape, dtype), order))


def assert_convolution_equals_reference(case: ConvolutionCase, path: str, name: str) -> None:
    """The kernel of `path` gives the reference's accumulators."""
    expected = case.run(kernels("reference"), name)
    np.testing.assert_array_equal(case.run(kernels(path), name), expected)


def assert_requantize_equals_reference(case: RequantizeCase, path: str) -> None:
    """The drain of `path` gives the reference's outputs."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))
