"""Fully connected layer: y = x * W^T + bias.

Inputs: x [..., C] (or any shape that flattens to rows of C), weights [N, C], optional bias
int32 [N]. Output [rows, N], or x's leading axes and N with `keep_num_dims`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.products.blocked_products import BlockedKernel, has_blocks
from npusim.ir.ops.products.drain import ConvolutionKernel, require_bias
from npusim.ir.ops.products.float_products import float_convolution
from npusim.ir.ops.products.real_products import real_convolution
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation

ONE_PIXEL = (1, 1, 1, 1, 0, 0)
"""The geometry of a matrix product: stride, dilation and padding of one pixel."""


@dataclass(frozen=True)
class FullyConnected(Operator):
    """Attributes of a fully connected layer; `keep_num_dims` keeps the leading axes of x."""

    activation: Activation = Activation.NONE
    keep_num_dims: bool = False
    long_sums: bool = False
    """Of 16-bit inputs without a bias: the file asks for sums of 64 bits, as with a bias."""

    kind: ClassVar[str] = "fully_connected"
    sums_floats: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[rows, N], or [..., N] with `keep_num_dims`."""
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        units, depth = w.shape
        if depth == 0 or prod(x.shape) % depth:
            raise ValueError(f"an input of shape {x.shape} has no rows of {depth} elements")
        require_bias(inputs, units)
        if not self.keep_num_dims:
            return [(prod(x.shape) // depth, units)]
        if x.shape[-1] != depth:
            raise ValueError(f"rows of {x.shape[-1]} elements do not fit weights {w.shape}")
        return [(*x.shape[:-1], units)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B = rows, K = units, C = depth; one pixel, one tap."""
        x, w, out = inputs[0], inputs[1], outputs[0]
        assert x is not None and w is not None
        units, depth = w.shape
        operands = [
            Operand(x.name, "input", x.format.bits, frozenset({"B", "C"})),
            Operand(w.name, "weight", w.format.bits, frozenset({"K", "C"})),
        ]
        if len(inputs) > 2 and inputs[2] is not None:
            bias = inputs[2]
            operands.append(Operand(bias.name, "weight", bias.format.bits, frozenset({"K"})))
        operands.append(Operand(out.name, "output", out.format.bits, frozenset({"B", "K"})))
        extents = (out.size // units, 1, units, depth, 1, 1, 1, 1)
        return LoopNest(Unit.ARRAY, extents, tuple(operands))

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel | VectorKernel:  # fmt: skip
        """A convolution of one pixel over rows; see `Conv2D.bind`."""
        x, w = inputs[0], inputs[1]
        if x is not None and x.format.is_integer and w is not None and has_blocks(w):
            given = self, inputs, outputs[0], ONE_PIXEL, profile, kernels
            return _RowsKernel(BlockedKernel.bind(*given), w.shape[1])
        if inputs[0] is not None and inputs[0].format.is_float:
            if kernels.accumulation is not None:
                return float_convolution(self, inputs, outputs[0], ONE_PIXEL, kernels)
            return real_convolution(self, inputs, outputs, ONE_PIXEL, kernels)
        row = self._row(inputs)
        kernel = ConvolutionKernel.bind(self, inputs, outputs, ONE_PIXEL, profile, kernels, row)
        assert inputs[1] is not None
        return _RowsKernel(kernel, inputs[1].shape[1])

    def _row(self, inputs: Sequence[Tensor | None]) -> str:
        """The row of the profile: LiteRT's layers of 16 bits have another kernel without a bias."""
        x, bias = inputs[0], inputs[2] if len(inputs) > 2 else None
        without = x is not None and x.format.bits > 8 and bias is None and not self.long_sums
        return f"{self.kind}_without_bias" if without else self.kind


@dataclass(frozen=True, eq=False)
class _RowsKernel:
    """The convolution kernel on tensors seen as rows, whatever their rank."""

    kernel: ConvolutionKernel | BlockedKernel
    depth: int

    @property
    def sum_dtype(self) -> type:
        return self.kernel.sum_dtype

    @property
    def is_ordered(self) -> bool:
        return self.kernel.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        rows = inputs[0].reshape(-1, self.depth)
        self.kernel.accumulate([rows, *inputs[1:]], acc, tile)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        self.kernel.drain(acc, output.reshape(-1, output.shape[-1]), tile)

    def compute_whole(self, inputs: Sequence[np.ndarray], output: np.ndarray) -> None:
        rows = inputs[0].reshape(-1, self.depth)
        self.kernel.compute_whole([rows, *inputs[1:]], output.reshape(-1, output.shape[-1]))
