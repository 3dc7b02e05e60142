"""Reshape, flatten, squeeze, expand: the same elements in the same logical order.

Where the order in memory stays too, the output is a view of the input and costs nothing; a
channels-last image that is flattened in channels-first order is copied by the vector unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class Reshape(Movement):
    """Attributes of a reshape; one extent of `shape` may be -1."""

    shape: tuple[int, ...]

    kind: ClassVar[str] = "reshape"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """`shape` with -1 resolved."""
        x = data_of(self, inputs)
        size = prod(x.shape)
        known = prod(extent for extent in self.shape if extent >= 0)
        free = [extent for extent in self.shape if extent < 0]
        if len(free) > 1 or (free and (known == 0 or size % known)) or (not free and known != size):
            raise ValueError(f"{size} elements of shape {x.shape} do not fit {self.shape}")
        return [tuple(extent if extent >= 0 else size // known for extent in self.shape)]

    def is_view(self, x: Tensor, out: Tensor) -> bool:
        """See `same_memory_order`."""
        return same_memory_order(x, out)

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        return inputs[0].reshape(self.shape)


def same_memory_order(x: Tensor, y: Tensor) -> bool:
    """True if reading `x` and `y` in memory order gives their elements in one order."""
    if x.shape == y.shape and _inner_axis(x) == _inner_axis(y):
        return True
    if _is_plain(x) and _is_plain(y):
        return True
    if _inner_axis(x) == 1 == _inner_axis(y):
        return x.shape[:2] == y.shape[:2]
    return False


def _inner_axis(tensor: Tensor) -> int:
    return tensor.channel_axis % max(1, len(tensor.shape))


def _is_plain(tensor: Tensor) -> bool:
    """True if memory order is logical order."""
    inner = _inner_axis(tensor)
    return prod(tensor.shape[inner + 1 :]) == 1 or prod(tensor.shape[inner : inner + 1]) == 1
