"""A matrix product of TFLite's integer LSTM: y = clip(rescaled(x W^T + bias) + zero point).

Inputs: x [..., C] int8, weights [N, C] int8 with one scale a row, optional bias int32 [N]. Output
[..., N]: gates of int16 (saturated), gates that are still to be added to others of int32, or the
projection of the hidden values, int8.

The products of a sequence's inputs with the input weights do not depend on each other: they are one
product over all time steps. Those with the last output do: they are one product a time step, whose
weights are streamed or stay in SRAM like those of any other layer.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import ArrayKernel, Operator
from npusim.ir.ops.products.drain import drain_sums
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.sums import IntegerSums, greatest_sum
from npusim.ir.ops.vector import quantized
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT8, INT16, INT32
from npusim.numerics.profiles import Profile
from npusim.numerics.requantize import Requantizer, make_requantizer

_ONE_PIXEL = (1, 1, 1, 1, 0, 0)
_ROWS = FullyConnected(keep_num_dims=True)


@dataclass(frozen=True)
class LstmProduct(Operator):
    """`clip` bounds the stored outputs; 0 bounds nothing."""

    clip: int = 0

    kind: ClassVar[str] = "lstm_product"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[..., N]."""
        return _ROWS.infer_shapes(inputs)

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """That of a fully connected layer."""
        return _ROWS.loop_nest(inputs, outputs)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel:  # fmt: skip
        """A convolution of one pixel over rows; the factors are products of float32."""
        x, w, bias, out = inputs[0], inputs[1], inputs[2], outputs[0]
        assert x is not None and w is not None and w.data is not None
        assert w.quantization is not None and out.quantization is not None
        if out.format not in (INT8, INT16, INT32):
            what = f"'{out.name}' is {out.format.name}, an LSTM's products are integers"
            raise UnsupportedModelError(Problem(out.name, what))
        units, qx, qy = w.shape[0], quantized(self, x), out.quantization
        scale = np.float32(qx.scalar_scale) * w.quantization.scale / np.float32(qy.scalar_scale)
        wide = np.broadcast_to(scale.astype(np.float32), units)
        low, high = out.format.low, out.format.high
        if self.clip:
            low, high = max(low, -self.clip), min(high, self.clip)
        requantizer = make_requantizer(
            profile.arithmetic(self.kind, x.format.name), wide, wide.astype(np.float64),
            qy.scalar_zero_point, low, high,
        )  # fmt: skip
        given = np.zeros(units, np.int32) if bias is None or bias.data is None else bias.data
        zero = qx.scalar_zero_point
        greatest = functools.partial(
            greatest_sum, x.format, zero, w.data[:, None, None], np.zeros(units, np.int32),
            w.format, w.shape[1],
        )  # fmt: skip
        sums = IntegerSums.of(self, (x.format, w.format), kernels, greatest)
        return _ProductKernel(sums, requantizer, zero, w.data, given)


@dataclass(frozen=True, eq=False)
class _ProductKernel:
    sums: IntegerSums
    requantizer: Requantizer
    x_zero: int
    weights: np.ndarray
    bias: np.ndarray

    @property
    def sum_dtype(self) -> type:
        return self.sums.dtype

    @property
    def is_ordered(self) -> bool:
        return self.sums.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        x = inputs[0].reshape(-1, 1, 1, 1, self.weights.shape[1])
        w = self.weights[None, :, None, None, :]
        w_zero = np.zeros(w.shape[:2], np.int32)
        self.sums.add(x, w, acc, tile, _ONE_PIXEL, self.x_zero, w_zero)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        rows, channels = slice(tile.b0, tile.b1), slice(tile.k0, tile.k1)
        part = output.reshape(-1, 1, 1, 1, output.shape[-1])[rows, ..., channels]
        chosen = self.requantizer.channels(np.arange(tile.k0, tile.k1))
        drain_sums(self.sums, acc, self.bias[channels], chosen, part)
