"""What ConvInteger and MatMulInteger share: sums of products that leave the array as int32.

Inputs: x and constant weights, int8 or uint8 without a scale, no bias, the zero point of x (at run
time) and of the weights (constant); absent ones are 0. Output: int32, not requantized; on an array
of narrower accumulators what such a one holds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.ir.ops.products.sums import IntegerSums, greatest_sum
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT8, INT32, UINT8

X_ZERO, W_ZERO = 3, 4
"""Where the zero points stand among the inputs; input 2 is the bias that is never there."""


def check_zeros(op: Operator, inputs: Sequence[Tensor | None]) -> None:
    """ValueError unless x has one zero point, and the weights one or one an output channel."""
    w = inputs[1]
    x_zero, w_zero = (inputs[at] if len(inputs) > at else None for at in (X_ZERO, W_ZERO))
    if x_zero is not None and x_zero.size != 1:
        raise ValueError(f"{op.kind} with {x_zero.size} zero points of its input")
    if w is not None and w_zero is not None and w_zero.size not in (1, w.shape[0]):
        raise ValueError(f"{w_zero.size} zero points for {w.shape[0]} output channels")


def integer_sums(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor,
    geometry: tuple[int, int, int, int, int, int], kernels: Kernels,
) -> IntegerSumsKernel:  # fmt: skip
    """The kernel of `op`; UnsupportedModelError for formats that it does not take."""
    x, w = inputs[0], inputs[1]
    w_zero = inputs[W_ZERO] if len(inputs) > W_ZERO else None
    eight_bit = x is not None and w is not None and {x.format, w.format} <= {INT8, UINT8}
    constant = w is not None and w.data is not None and (w_zero is None or w_zero.is_constant)
    if not eight_bit or not constant or out.format != INT32 or w is None or w.data is None:
        what = f"{op.kind} takes 8-bit data and constant 8-bit weights, and gives int32"
        raise UnsupportedModelError(Problem(out.name, what))
    groups = getattr(op, "groups", 1)
    weights = w.data if w.data.ndim == 4 else w.data[:, None, None, :]
    grouped = np.ascontiguousarray(weights.reshape(groups, -1, *weights.shape[1:]))
    zeros = np.zeros(1, np.int32) if w_zero is None or w_zero.data is None else w_zero.data
    along = np.broadcast_to(zeros.reshape(-1).astype(np.int32), len(weights))
    by_group = np.ascontiguousarray(along.reshape(groups, -1))
    assert x is not None
    # The zero point of x comes at run time: it may be at either end of the format.
    greatest = functools.partial(
        greatest_sum, x.format, x.format.low, grouped, by_group, w.format, 0
    )  # fmt: skip
    sums = IntegerSums.of(op, (x.format, w.format), kernels, greatest)
    return IntegerSumsKernel(
        sums, geometry, getattr(op, "channel_axis", -1), w.data.ndim == 2, grouped, by_group
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class IntegerSumsKernel:
    """An `ArrayKernel` whose drain copies the sums; `rows` says that x is rows of a matrix."""

    sums: IntegerSums
    geometry: tuple[int, int, int, int, int, int]
    channel_axis: int
    rows: bool
    weights: np.ndarray
    w_zero: np.ndarray

    @property
    def sum_dtype(self) -> type:
        """See `ArrayKernel`."""
        return self.sums.dtype

    @property
    def is_ordered(self) -> bool:
        """True if the tiles of the reduction can change a bit."""
        return self.sums.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        groups, _, _, _, depth = self.weights.shape
        x = self._pixels(inputs[0], depth * groups)
        x = x.reshape(*x.shape[:3], groups, depth)
        given = inputs[X_ZERO] if len(inputs) > X_ZERO else None
        zero = 0 if given is None else int(given.reshape(-1)[0])
        self.sums.add(x, self.weights, acc, tile, self.geometry, zero, self.w_zero)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        out = self._pixels(output, output.shape[-1])
        out = out.reshape(*out.shape[:3], len(self.weights), -1)
        out[
            tile.b0 : tile.b1, tile.y0 : tile.y1, tile.x0 : tile.x1,
            tile.g0 : tile.g1, tile.k0 : tile.k1,
        ] = self.sums.leave(acc)  # fmt: skip

    def _pixels(self, array: np.ndarray, channels: int) -> np.ndarray:
        if self.rows:
            return array.reshape(-1, 1, 1, channels)
        return channels_last(array, self.channel_axis)
