"""Gather: slices of x along an axis, in the order that indices name them.

Inputs: x; indices, integers of any shape, a constant or computed. Output: x with the axis replaced
by the axes of indices. The first `batch_axes` axes are common to x and indices: each of their
elements has indices of its own. Negative indices count from the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UsageError
from npusim.ir.operator import Operator
from npusim.ir.ops.movements.movement import Movement, data_of, normal_axis
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class Gather(Movement):
    """Attributes of a gather: the axis, and how many leading axes both inputs share."""

    axis: int = 0
    batch_axes: int = 0

    kind: ClassVar[str] = "gather"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Shared axes, those of x before the axis, those of indices, those of x after it."""
        x = data_of(self, inputs)
        indices = inputs[1] if len(inputs) > 1 else None
        if indices is None or not indices.format.is_integer:
            raise ValueError("a gather needs integer indices")
        axis, shared = normal_axis(self.axis, len(x.shape)), self.batch_axes
        if not 0 <= shared <= min(axis, len(indices.shape)):
            raise ValueError(f"{shared} shared axes do not fit axis {axis}")
        if x.shape[:shared] != indices.shape[:shared]:
            raise ValueError(f"shapes {x.shape} and {indices.shape} differ in shared axes")
        if indices.data is not None and not in_range(indices.data, x.shape[axis]):
            raise ValueError(f"an index is outside an axis of {x.shape[axis]} elements")
        return [(*x.shape[:axis], *indices.shape[shared:], *x.shape[axis + 1 :])]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x, indices = inputs
        axis = self.axis % x.ndim
        at = checked_indices(self, indices, x.shape[axis])
        if self.batch_axes == 0:
            return np.take(x, at, axis)
        shape = (*x.shape[:axis], *indices.shape[self.batch_axes :], *x.shape[axis + 1 :])
        moved = np.empty(shape, x.dtype)
        for place in np.ndindex(*x.shape[: self.batch_axes]):
            moved[place] = np.take(x[place], at[place], axis - self.batch_axes)
        return moved


def checked_indices(op: Operator, indices: np.ndarray, extent: int) -> np.ndarray:
    """`indices` as numpy's; UsageError if one that was computed is outside an axis of `extent`."""
    if not in_range(indices, extent):
        what = f"an index that the inputs lead to is outside an axis of {extent} elements"
        raise UsageError(Problem(op.kind, what))
    return indices.astype(np.intp)


def in_range(indices: np.ndarray, extent: int) -> bool:
    """True if all of `indices`, negative ones from the end, name one of `extent` elements."""
    return indices.size == 0 or bool((indices >= -extent).all() and (indices < extent).all())
