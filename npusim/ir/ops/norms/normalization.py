"""What the normalizations share: real arithmetic on whole rows, scale and shift beside the data.

Inputs: x float32, int8 or uint8, any rank; scale and shift float32 constants. Output: the shape of
x. On 8 bits the kernel of float32 runs between a dequantization and a quantization, which is what
ONNX Runtime does. A tile never cuts the axes that are normalized over.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import ALL_SPLITS, PIXEL_DIMS, vector_nest
from npusim.ir.ops.whole import WholeKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Normalization(Operator):
    """Base of the normalizations."""

    keeps_axes: ClassVar[bool] = True
    data_inputs: ClassVar[int | None] = 1
    rate: ClassVar[str] = "norm"
    """What the vector unit calls it."""

    @abstractmethod
    def reduced(self, rank: int) -> frozenset[int]:
        """The axes, from the front, over which a mean is taken."""

    @abstractmethod
    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """The axes of the data that scale and shift have; ValueError if there are no such axes."""

    @abstractmethod
    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The whole output, float32, of whole float32 inputs, by the operator's kernel."""

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x."""
        x = inputs[0]
        if x is None:
            raise ValueError(f"{self.kind} has no input")
        expected = tuple(x.shape[axis] for axis in self.parameter_axes(len(x.shape)))
        for tensor in inputs[1:]:
            if tensor is not None and tensor.shape != expected:
                raise ValueError(
                    f"'{tensor.name}' has shape {tensor.shape}, {self.kind} of {x.shape} needs "
                    f"{expected}"
                )
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One step an element; scale and shift are read along the axes that they have."""
        out = outputs[0]
        splits = uncut_along(out, self.reduced(len(out.shape)))
        nest = vector_nest(inputs, outputs, self.rate, splits=splits)
        dims = frozenset().union(*(_dim_of(out, a) for a in self.parameter_axes(len(out.shape))))
        walked = {tensor.name: dims for tensor in inputs[1:] if tensor is not None}
        operands = [replace(o, dims=walked.get(o.tensor, o.dims)) for o in nest.operands]
        return replace(nest, operands=tuple(operands))

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The float32 kernel, on 8 bits between the roundings of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        for tensor in inputs[1:]:
            if tensor is not None and tensor.format != FP32:
                what = f"{self.kind} needs float32 parameters, '{tensor.name}' is not"
                raise UnsupportedModelError(Problem(out.name, what))
        if x.format.is_integer != out.format.is_integer:
            what = f"{self.kind} keeps the kind of numbers, '{x.name}' and '{out.name}' differ"
            raise UnsupportedModelError(Problem(out.name, what))
        function = kernels.get(f"{self.kind}_{profile.arithmetic(self.kind, x.format.name)}")
        kernel = WholeKernel(partial(self.normalized, function), out.channel_axis)
        if x.format == FP32:
            return kernel
        return through_float(self, kernel, inputs, out, profile, kernels)


@dataclass(frozen=True)
class ChannelNormalization(Normalization):
    """Base of those whose scale and shift belong to the channels, axis 1."""

    channel_axis: ClassVar[int] = 1

    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """The channels."""
        if rank < 2:
            raise ValueError(f"{self.kind} of rank {rank} has no channels")
        return (1,)

    def by_channel(
        self, function: Callable[..., None], inputs: Sequence[np.ndarray], *parameters: float
    ) -> np.ndarray:
        """The kernel on [B, K, n]."""
        x = inputs[0]
        rows = np.ascontiguousarray(x).reshape(*x.shape[:2], -1)
        out = np.empty_like(rows)
        function(rows, out, *inputs[1:], *parameters)
        return out.reshape(x.shape)


def uncut_along(out: Tensor, axes: frozenset[int]) -> frozenset[str]:
    """The loops that may be cut if `axes` of `out` must stay whole in every tile."""
    whole = [_dim_of(out, axis) for axis in axes if out.shape[axis] > 1]
    return ALL_SPLITS.difference(*whole)


def _dim_of(out: Tensor, axis: int) -> frozenset[str]:
    """The loop that walks `axis` of `out` in its canonical form."""
    marks = [1] * len(out.shape)
    marks[axis] = 2
    canonical = canonical_shape(tuple(marks), out.channel_axis)
    return frozenset(d for d, mark in zip(PIXEL_DIMS, canonical, strict=True) if mark == 2)
