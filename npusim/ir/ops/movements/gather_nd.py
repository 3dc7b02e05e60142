"""GatherND: elements or slices of x at places that vectors of indices name.

Inputs: x; indices, integers [..., n], a constant or computed: each vector names the first n axes
after `batch_axes`, which x and indices share. Output: the shape of indices without its last axis,
then the axes of x that no index names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.gather import checked_indices, in_range
from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class GatherND(Movement):
    """Attributes of a gather of vectors: how many leading axes both inputs share."""

    batch_axes: int = 0

    kind: ClassVar[str] = "gather_nd"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Axes of indices but the last, then those of x that no index names."""
        x = data_of(self, inputs)
        indices = inputs[1] if len(inputs) > 1 else None
        if indices is None or not indices.format.is_integer or not indices.shape:
            raise ValueError("a gather needs integer indices")
        named, shared = indices.shape[-1], self.batch_axes
        if not 0 <= shared < len(indices.shape) or named < 1 or shared + named > len(x.shape):
            raise ValueError(f"indices {list(indices.shape)} do not fit shape {list(x.shape)}")
        if x.shape[:shared] != indices.shape[:shared]:
            raise ValueError(f"shapes {x.shape} and {indices.shape} differ in shared axes")
        if indices.data is not None:
            for at in range(named):
                if not in_range(indices.data[..., at], x.shape[shared + at]):
                    raise ValueError(f"an index is outside axis {shared + at} of {x.shape}")
        return [(*indices.shape[:-1], *x.shape[shared + named :])]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x, indices = inputs
        shared = self.batch_axes
        named = [
            checked_indices(self, indices[..., at], x.shape[shared + at])
            for at in range(indices.shape[-1])
        ]
        places = np.meshgrid(*(np.arange(n) for n in indices.shape[:-1]), indexing="ij")
        moved: np.ndarray = x[(*places[:shared], *named)]
        return moved
