"""GatherElements: for each element its own index along an axis.

Inputs: x; indices, integers of the rank of x, a constant or computed. Output: the shape of indices:
element [i, j, k] along axis 1 is x[i, indices[i, j, k], k].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.gather import checked_indices, in_range
from npusim.ir.ops.movements.movement import Movement, data_of, normal_axis
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class GatherElements(Movement):
    """Attributes: the axis that indices run along."""

    axis: int = 0

    kind: ClassVar[str] = "gather_elements"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of indices."""
        x = data_of(self, inputs)
        indices = inputs[1] if len(inputs) > 1 else None
        if indices is None or not indices.format.is_integer:
            raise ValueError("a gather needs integer indices")
        axis = normal_axis(self.axis, len(x.shape))
        pairs = list(zip(indices.shape, x.shape, strict=False))
        fits = all(n <= extent for at, (n, extent) in enumerate(pairs) if at != axis)
        if len(indices.shape) != len(x.shape) or not fits:
            raise ValueError(f"indices {list(indices.shape)} do not fit shape {list(x.shape)}")
        if indices.data is not None and not in_range(indices.data, x.shape[axis]):
            raise ValueError(f"an index is outside an axis of {x.shape[axis]} elements")
        return [indices.shape]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x, indices = inputs
        axis = self.axis % x.ndim
        at = checked_indices(self, indices, x.shape[axis])
        used = tuple(slice(None if a == axis else n) for a, n in enumerate(indices.shape))
        return np.take_along_axis(x[used], at, axis)
