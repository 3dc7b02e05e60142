"""Slice: from each axis the elements begin, begin + stride, ... before end.

Input: x, any rank. Output: the same rank. A negative stride walks backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.movements.movement import Movement, MovementKernel, data_of, is_unchanged
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class StridedSlice(Movement):
    """Attributes of a slice: begin, end and stride per axis, as Python's slices have them.

    None as begin or end is where the axis begins or ends in the direction of the stride. With
    `as_stored` the output may have another scale: it gets the stored integers as they are.
    """

    begin: tuple[int | None, ...]
    end: tuple[int | None, ...]
    strides: tuple[int, ...]
    as_stored: bool = False

    kind: ClassVar[str] = "strided_slice"
    keeps_axes: ClassVar[bool] = True

    @staticmethod
    def along(axis: int, rank: int, begin: int, end: int) -> StridedSlice:
        """The elements begin to end of one axis of a tensor of `rank`, all of the others."""
        starts = tuple(begin if at == axis % rank else None for at in range(rank))
        stops = tuple(end if at == axis % rank else None for at in range(rank))
        return StridedSlice(starts, stops, (1,) * rank)

    @property
    def slices(self) -> tuple[slice, ...]:
        """One slice an axis."""
        return tuple(map(slice, self.begin, self.end, self.strides))

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The number of elements taken from each axis."""
        x = data_of(self, inputs)
        counts = {len(self.begin), len(self.end), len(self.strides)}
        if counts != {len(x.shape)}:
            raise ValueError(f"a slice of {max(counts)} axes does not fit shape {list(x.shape)}")
        if 0 in self.strides:
            raise ValueError("a stride is 0")
        shape = tuple(
            len(range(*cut.indices(extent)))
            for cut, extent in zip(self.slices, x.shape, strict=True)
        )
        if 0 in shape:
            raise ValueError(f"nothing is left of shape {list(x.shape)}")
        return [shape]

    def is_view(self, x: Tensor, out: Tensor) -> bool:
        """True if it takes everything, forwards."""
        return is_unchanged(x, out) and min(self.strides, default=1) > 0

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        return inputs[0][self.slices]

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """See `Movement`."""
        if self.as_stored and data_of(self, inputs).format == outputs[0].format:
            return MovementKernel(self, outputs[0].channel_axis)
        return super().bind(inputs, outputs, profile, kernels)
