"""Padding with the tensor's own values: mirrored at its edges, or its edges repeated.

Input: x, any rank. Output: x enlarged. "reflect" mirrors without repeating the edge, "symmetric"
repeats it, "edge" repeats nothing else, "wrap" goes on at the other end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor

Mode = Literal["reflect", "symmetric", "edge", "wrap"]


@dataclass(frozen=True)
class MirrorPad(Movement):
    """Attributes: (before, after) per axis, and which values are taken."""

    padding: tuple[tuple[int, int], ...]
    mode: Mode

    kind: ClassVar[str] = "mirror_pad"
    keeps_axes: ClassVar[bool] = True
    only_enlarges: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The enlarged shape; a mirror shows no more than there is."""
        x = data_of(self, inputs)
        if len(self.padding) != len(x.shape) or any(n < 0 for pair in self.padding for n in pair):
            raise ValueError(f"padding {self.padding} does not fit a tensor of shape {x.shape}")
        for pair, extent in zip(self.padding, x.shape, strict=True):
            room = {"reflect": extent - 1, "edge": max(pair) if extent else 0}
            if max(pair) > room.get(self.mode, extent):
                raise ValueError(f"{self.mode} padding {pair} of an axis of {extent} elements")
        return [tuple(e + sum(pair) for e, pair in zip(x.shape, self.padding, strict=True))]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        return np.pad(inputs[0], self.padding, self.mode) if self.padding else inputs[0]
