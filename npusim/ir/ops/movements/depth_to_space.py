"""Depth to space: channels become blocks of pixels.

Input: x [B, H, W, C] (or channels first). Output [B, H * block, W * block, C / block^2]. Pixel
(dy, dx) of channel c is the input's channel (dy * block + dx) * C / block^2 + c, or
(c * block + dy) * block + dx where blocks are innermost (ONNX's DCR and CRD).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.ops.movements.space_to_depth import image_extents, in_order
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class DepthToSpace(Movement):
    """Attributes: the side of a block, the order of the channels, the axis of the channels."""

    block: int
    blocks_innermost: bool = False
    channel_axis: int = -1

    kind: ClassVar[str] = "depth_to_space"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, H * block, W * block, C / (block * block)] in the input's axis order."""
        batch, rows, cols, channels = image_extents(self, data_of(self, inputs), self.channel_axis)
        if self.block < 1 or channels % self.block**2:
            raise ValueError(f"blocks of {self.block} do not fit {channels} channels")
        shape = batch, rows * self.block, cols * self.block, channels // self.block**2
        return [in_order(shape, self.channel_axis)]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x, n = np.moveaxis(inputs[0], self.channel_axis, -1), self.block
        batch, rows, cols, channels = x.shape
        left = channels // n**2
        if self.blocks_innermost:
            blocks = x.reshape(batch, rows, cols, left, n, n).transpose(0, 1, 4, 2, 5, 3)
        else:
            blocks = x.reshape(batch, rows, cols, n, n, left).transpose(0, 1, 3, 2, 4, 5)
        return np.moveaxis(blocks.reshape(batch, rows * n, cols * n, left), -1, self.channel_axis)
