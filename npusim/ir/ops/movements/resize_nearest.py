"""Resize by the nearest element: along each axis, output element i is input element sources[i].

Input: x, any rank. Output: the same rank. Which element is nearest is the framework's to say
(`npusim/numerics/resize.py`); the operator holds the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of, is_unchanged
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class ResizeNearest(Movement):
    """Attributes of a resize: for each axis the input index of each output index.

    None is an axis that stays as it is.
    """

    sources: tuple[tuple[int, ...] | None, ...]

    kind: ClassVar[str] = "resize_nearest"
    keeps_axes: ClassVar[bool] = True
    rate: ClassVar[str] = "resize"

    @staticmethod
    def repeated(shape: Sequence[int], factors: Sequence[int]) -> ResizeNearest:
        """Each element of an axis of `shape` repeated `factors` times: an upsampling."""
        sources = (
            tuple(at // factor for at in range(extent * factor)) if factor > 1 else None
            for extent, factor in zip(shape, factors, strict=True)
        )
        return ResizeNearest(tuple(sources))

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The number of elements along each axis."""
        x = data_of(self, inputs)
        if len(self.sources) != len(x.shape):
            raise ValueError(f"a resize of {len(self.sources)} axes for shape {list(x.shape)}")
        shape = []
        for taken, extent in zip(self.sources, x.shape, strict=True):
            if taken is not None and not (taken and 0 <= min(taken) <= max(taken) < extent):
                raise ValueError(f"a resize reads outside an axis of {extent} elements")
            shape.append(extent if taken is None else len(taken))
        return [tuple(shape)]

    def is_view(self, x: Tensor, out: Tensor) -> bool:
        """True if each element is its own nearest."""
        stays = (taken in (None, tuple(range(len(taken or ())))) for taken in self.sources)
        return is_unchanged(x, out) and all(stays)

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x = inputs[0]
        for axis, taken in enumerate(self.sources):
            if taken is not None:
                x = np.take(x, np.asarray(taken, np.intp), axis)
        return x
