"""Constant padding: the input inside, one stored value around it.

Input: x, any rank. Output: x enlarged. The value defaults to the real 0, stored as the zero point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import ALL_SPLITS, NO_SPLITS, part, require_same_quantization, vector_nest
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape, channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Pad(Operator):
    """Attributes of a padding: (before, after) per axis; `value` as stored, None for the real 0."""

    padding: tuple[tuple[int, int], ...]
    value: int | float | None = None

    kind: ClassVar[str] = "pad"
    keeps_axes: ClassVar[bool] = True
    moves: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The enlarged shape."""
        x = inputs[0]
        assert x is not None
        if len(self.padding) != len(x.shape) or any(n < 0 for pair in self.padding for n in pair):
            raise ValueError(f"padding {self.padding} does not fit a tensor of shape {x.shape}")
        return [tuple(e + sum(pair) for e, pair in zip(x.shape, self.padding, strict=True))]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One copy an output element."""
        splits = ALL_SPLITS if len(outputs[0].shape) == 4 else NO_SPLITS
        return vector_nest(inputs[:1], outputs, "copy", splits=splits, whole_inputs=True)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """A copy; the same under every profile."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        require_same_quantization(self, x, out)
        value = self.value
        if value is None:
            value = 0 if out.quantization is None else out.quantization.scalar_zero_point
        return _PadKernel(self.padding, value, out.channel_axis)


@dataclass(frozen=True, eq=False)
class _PadKernel:
    padding: tuple[tuple[int, int], ...]
    value: int | float
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        x, out = inputs[0], outputs[0]
        if x.ndim != 4:
            inner = zip(self.padding, x.shape, strict=True)
            out[...] = self.value
            out[tuple(slice(before, before + extent) for (before, _), extent in inner)] = x
            return
        target = part(channels_last(out, self.channel_axis), tile)
        target[...] = self.value
        source = channels_last(x, self.channel_axis)
        before = canonical_shape(tuple(pair[0] for pair in self.padding), self.channel_axis)
        bounds = ((tile.b0, tile.b1), (tile.y0, tile.y1), (tile.x0, tile.x1), (tile.k0, tile.k1))
        read, write = [], []
        for (low, high), offset, extent in zip(bounds, before, source.shape, strict=True):
            first = max(low - offset, 0)
            last = max(first, min(high - offset, extent))
            read.append(slice(first, last))
            write.append(slice(first + offset - low, last + offset - low))
        target[tuple(write)] = source[tuple(read)]
