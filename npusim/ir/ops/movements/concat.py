"""Concatenation along an axis; an input of another scale than the output's is requantized.

Inputs: any number of tensors that agree in all other axes. Output: their concatenation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.vector import ALL_SPLITS, PIXEL_DIMS, copying_nest, part, quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import RESCALE_PARAMETERS


@dataclass(frozen=True)
class Concat(Operator):
    """Attributes of a concatenation."""

    axis: int

    kind: ClassVar[str] = "concat"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The common shape with the extents along the axis added up."""
        shapes = [tensor.shape for tensor in inputs if tensor is not None]
        rank = len(shapes[0])
        axis = normal_axis(self.axis, rank)
        others = {shape[:axis] + shape[axis + 1 :] for shape in shapes if len(shape) == rank}
        if len(others) != 1 or any(len(shape) != rank for shape in shapes):
            raise ValueError(f"shapes {shapes} do not agree outside axis {axis}")
        extent = sum(shape[axis] for shape in shapes)
        return [(*shapes[0][:axis], extent, *shapes[0][axis + 1 :])]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One copy an element; a loop along which tensors are joined is not cut."""
        joined = _joined_dim(self.axis, outputs[0])
        splits = ALL_SPLITS if joined is None else ALL_SPLITS - {PIXEL_DIMS[joined]}
        return copying_nest(inputs, outputs, "copy", splits)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Copies, and rescaling in the arithmetic of `profile` where the scales differ."""
        out = outputs[0]
        steps: list[tuple[Any, Any]] = []
        for tensor in inputs:
            assert tensor is not None
            if tensor.format == out.format and _same(tensor, out):
                steps.append((None, None))
                continue
            qx, qy = quantized(self, tensor), quantized(self, out)
            arithmetic = profile.arithmetic(self.kind, tensor.format.name)
            clamp = (out.format.low, out.format.high)
            parameters = RESCALE_PARAMETERS[arithmetic](qx, qy, clamp)
            steps.append((kernels.get(f"rescale_{arithmetic}"), parameters))
        extents = [tensor.shape[self.axis] for tensor in inputs if tensor is not None]
        starts = tuple(accumulate(extents, initial=0))
        joined = _joined_dim(self.axis, out)
        return _ConcatKernel(tuple(steps), starts, self.axis, joined, out.channel_axis)


def _same(x: Tensor, y: Tensor) -> bool:
    if x.quantization is None:
        return y.quantization is None
    return x.quantization.same_as(y.quantization)


def _joined_dim(axis: int, out: Tensor) -> int | None:
    """Index in (B, OY, OX, K) of the loop along which tensors are joined; None if it is folded."""
    rank = len(out.shape)
    axis %= rank
    channel = out.channel_axis % rank
    if rank == 4:
        return [a for a in range(4) if a != channel].index(axis) if axis != channel else 3
    if axis == channel:
        return 3
    return None


@dataclass(frozen=True, eq=False)
class _ConcatKernel:
    """Writes each input to its range of the output; `steps` holds (kernel, parameters) or Nones."""

    steps: tuple[tuple[Any, Any], ...]
    starts: tuple[int, ...]
    axis: int
    joined: int | None
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        out = outputs[0]
        if self.joined is not None:
            target = part(channels_last(out, self.channel_axis), tile)
            self._join(inputs, target, self.joined, tile)
            return
        joined = np.empty_like(out)
        self._join(inputs, joined, self.axis % out.ndim, None)
        source, target = (channels_last(a, self.channel_axis) for a in (joined, out))
        part(target, tile)[...] = part(source, tile)

    def _join(
        self, inputs: Sequence[np.ndarray], out: np.ndarray, axis: int, tile: Tile | None
    ) -> None:
        """Write each input to its range along `axis` of `out`; with a tile both are canonical."""
        for x, (function, parameters), start, stop in zip(
            inputs, self.steps, self.starts, self.starts[1:], strict=False
        ):
            source = x
            if tile is not None:
                bounds = _whole_along(tile, axis, stop - start)
                source = part(channels_last(x, self.channel_axis), bounds)
            target = out[(slice(None),) * axis + (slice(start, stop),)]
            if function is None:
                target[...] = source
            else:
                function(source, target, parameters)


def _whole_along(tile: Tile, dim: int, extent: int) -> Tile:
    """`tile` with the loop `dim` of (B, OY, OX, K) spanning 0..extent."""
    names = (("b0", "b1"), ("y0", "y1"), ("x0", "x1"), ("k0", "k1"))[dim]
    return tile._replace(**{names[0]: 0, names[1]: extent})
