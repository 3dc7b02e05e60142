"""The window of a pooling: its geometry, the shapes and the loop nest that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from npusim.ir.loopnest import LoopNest
from npusim.ir.ops.vector import vector_nest
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape

Geometry = tuple[int, int, int, int, int, int, int, int]
"""(taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left)."""


@dataclass(frozen=True)
class Window:
    """A filter window: taps, stride, dilation as (y, x), padding as (top, left, bottom, right)."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def geometry(self) -> Geometry:
        """Plain numbers for the kernels."""
        return (*self.size, *self.stride, *self.dilation, *self.padding[:2])

    def output_shape(self, x: Tensor, channel_axis: int) -> tuple[int, ...]:
        """Shape of the pooled tensor, in the axis order of `x`; ValueError if nothing fits."""
        batch, height, width, channels = canonical_shape(x.shape, channel_axis)
        top, left, bottom, right = self.padding
        rows = self._extent(0, height + top + bottom)
        cols = self._extent(1, width + left + right)
        if len(x.shape) == 3:
            return batch, channels, cols
        if channel_axis % 4 == 1:
            return batch, channels, rows, cols
        return batch, rows, cols, channels

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """Loops of a pooling: the input behind the window, one vector operation a tap."""
        x = inputs[0]
        assert x is not None
        nest = vector_nest(inputs, outputs, "pool", taps=self.size, whole_inputs=True)
        seen = replace(nest.operands[0], dims=frozenset({"B", "K", "OY", "OX"}), window=True)
        _, height, width, _ = canonical_shape(x.shape, x.channel_axis)
        return replace(
            nest, operands=(seen, *nest.operands[1:]), stride=self.stride, dilation=self.dilation,
            padding=self.padding[:2], input_size=(height, width), keeps_rows=True,
        )  # fmt: skip

    def _extent(self, axis: int, padded: int) -> int:
        span = (self.size[axis] - 1) * self.dilation[axis] + 1
        if span > padded:
            raise ValueError(f"a window of {span} does not fit a padded input of {padded}")
        return (padded - span) // self.stride[axis] + 1
