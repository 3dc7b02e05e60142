"""Product of two computed matrices, batched: y[..., m, n] = sum of a[..., m, c] * b[..., c, n].

Inputs: a [..., M, C], b [..., C, N] of 8 or 16 bits, leading axes broadcast; either may be stored
the other way round. Output [..., M, N]. In the loops the matrices of a batch are groups: B = M,
G = batch, K = N, C = C. Reading a matrix along the other axis costs nothing extra here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.products.drain import drain_sums, product_arithmetic
from npusim.ir.ops.products.float_products import float_matmul
from npusim.ir.ops.products.real_products import real_matmul
from npusim.ir.ops.products.sums import IntegerSums, greatest_sum
from npusim.ir.ops.vector import quantized
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.requantize import Requantizer, make_requantizer, product_scales

_ONE_PIXEL = (1, 1, 1, 1, 0, 0)


@dataclass(frozen=True)
class MatMul(Operator):
    """Whether a is stored as [..., C, M], b as [..., N, C]; the shapes say the rest."""

    transpose_a: bool = False
    transpose_b: bool = False

    kind: ClassVar[str] = "matmul"
    sums_floats: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[..., M, N] with the broadcast leading axes."""
        a, b = inputs
        assert a is not None and b is not None
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ValueError(f"matrices of shapes {a.shape} and {b.shape} can't be multiplied")
        rows, depth = a.shape[:-3:-1] if self.transpose_a else a.shape[-2:]
        other, columns = b.shape[:-3:-1] if self.transpose_b else b.shape[-2:]
        if depth != other:
            raise ValueError(f"matrices of shapes {a.shape} and {b.shape} can't be multiplied")
        return [(*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), rows, columns)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B = rows, G = matrices, K = columns, C = depth; one pixel, one tap."""
        a, b, out = inputs[0], inputs[1], outputs[0]
        assert a is not None and b is not None
        operands = []
        for tensor, dims in ((a, {"B", "C"}), (b, {"K", "C"})):
            role = "weight" if tensor.is_constant else "input"
            walked = dims | {"G"} if prod(tensor.shape[:-2]) > 1 else dims
            operands.append(Operand(tensor.name, role, tensor.format.bits, frozenset(walked)))
        operands.append(Operand(out.name, "output", out.format.bits, frozenset({"B", "G", "K"})))
        depth = a.shape[-2] if self.transpose_a else a.shape[-1]
        extents = (out.shape[-2], prod(out.shape[:-2]), out.shape[-1], depth, 1, 1, 1, 1)
        return LoopNest(Unit.ARRAY, extents, tuple(operands))

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel | VectorKernel:  # fmt: skip
        """A convolution of one pixel, with the drain of `profile`, or the product of float32."""
        a, b, out = inputs[0], inputs[1], outputs[0]
        assert a is not None and b is not None
        swaps = self.transpose_a, self.transpose_b
        if a.format.is_float:
            if kernels.accumulation is not None:
                return float_matmul(self, inputs, out, swaps, _ONE_PIXEL, kernels)
            return real_matmul(self, (a, b), out, swaps, kernels)
        qa, qb, qy = (quantized(self, tensor) for tensor in (a, inputs[1], out))
        wide = max(a.format.bits, b.format.bits) > 8
        scale, real = product_scales(qa, qb, qy, out.shape[-1], wide)
        symmetric = qb.scalar_zero_point == 0
        kind = f"{self.kind}_symmetric" if symmetric else self.kind
        requantizer = make_requantizer(
            product_arithmetic(
                self, kind, a.format.name, (a, b, out), profile, scale, real
            ),
            scale, real, qy.scalar_zero_point, out.format.low, out.format.high,
        )  # fmt: skip
        zeros = qa.scalar_zero_point, qb.scalar_zero_point
        depth = a.shape[-2] if self.transpose_a else a.shape[-1]
        greatest = functools.partial(
            greatest_sum, a.format, zeros[0], None, np.array(zeros[1]), b.format, depth
        )  # fmt: skip
        sums = IntegerSums.of(self, (a.format, b.format), kernels, greatest)
        return _MatMulKernel(sums, requantizer, *zeros, out.shape[:-2], swaps)


@dataclass(frozen=True, eq=False)
class _MatMulKernel:
    sums: IntegerSums
    requantizer: Requantizer
    a_zero: int
    b_zero: int
    batch: tuple[int, ...]
    swaps: tuple[bool, bool]

    @property
    def sum_dtype(self) -> type:
        return self.sums.dtype

    @property
    def is_ordered(self) -> bool:
        return self.sums.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        given = (
            np.swapaxes(x, -1, -2) if swap else x
            for x, swap in zip(inputs, self.swaps, strict=True)
        )
        a, b = (
            np.broadcast_to(x, (*self.batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:])
            for x in given
        )
        x = np.moveaxis(a, 0, 1)[:, None, None]
        w = np.swapaxes(b, 1, 2)[:, :, None, None]
        w_zero = np.full(w.shape[:2], self.b_zero, np.int32)
        weights = np.ascontiguousarray(w)
        self.sums.add(x, weights, acc, tile, _ONE_PIXEL, self.a_zero, w_zero)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        matrices = np.moveaxis(output.reshape(-1, *output.shape[-2:]), 0, 1)[:, None, None]
        part = matrices[tile.b0 : tile.b1, :, :, tile.g0 : tile.g1, tile.k0 : tile.k1]
        groups = tile.g1 - tile.g0
        columns = np.tile(np.arange(tile.k0, tile.k1), groups)
        bias = np.zeros(columns.size, np.int64 if self.sums.wide else np.int32)
        drain_sums(self.sums, acc, bias, self.requantizer.channels(columns), part)
