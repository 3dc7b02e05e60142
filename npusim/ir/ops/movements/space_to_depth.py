"""Space to depth: blocks of pixels become channels.

Input: x [B, H, W, C] (or channels first). Output [B, H / block, W / block, block * block * C]:
channel (dy * block + dx) * C + c is pixel (dy, dx) of the block, or (c * block + dy) * block + dx
where blocks are innermost (ONNX's DCR and CRD).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.operator import Operator
from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape


@dataclass(frozen=True)
class SpaceToDepth(Movement):
    """Attributes: the side of a block, the order of the channels, the axis of the channels."""

    block: int
    blocks_innermost: bool = False
    channel_axis: int = -1

    kind: ClassVar[str] = "space_to_depth"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, H / block, W / block, C * block * block] in the input's axis order."""
        batch, rows, cols, channels = image_extents(self, data_of(self, inputs), self.channel_axis)
        if self.block < 1 or rows % self.block or cols % self.block:
            raise ValueError(f"blocks of {self.block} do not fit {rows} x {cols} pixels")
        shape = batch, rows // self.block, cols // self.block, channels * self.block**2
        return [in_order(shape, self.channel_axis)]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x, n = np.moveaxis(inputs[0], self.channel_axis, -1), self.block
        batch, rows, cols, channels = x.shape
        order = (0, 1, 3, 5, 2, 4) if self.blocks_innermost else (0, 1, 3, 2, 4, 5)
        blocks = x.reshape(batch, rows // n, n, cols // n, n, channels).transpose(order)
        deep = blocks.reshape(batch, rows // n, cols // n, n * n * channels)
        return np.moveaxis(deep, -1, self.channel_axis)


def image_extents(op: Operator, x: Tensor, channel_axis: int) -> tuple[int, int, int, int]:
    """(B, H, W, C) of an image; ValueError if `x` has another rank than 4."""
    if len(x.shape) != 4:
        raise ValueError(f"{op.kind} needs an image of rank 4, not shape {list(x.shape)}")
    return canonical_shape(x.shape, channel_axis)


def in_order(extents: tuple[int, int, int, int], channel_axis: int) -> tuple[int, ...]:
    """(B, H, W, C) with the channels at `channel_axis`."""
    shape = list(extents[:3])
    shape.insert(channel_axis % 4, extents[3])
    return tuple(shape)
