"""Group normalization: (x - mean) / sqrt(variance + epsilon) over the channels of a group.

Inputs: x [B, K, ...], scale [K], shift [K]; see `normalization.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.norms.normalization import ChannelNormalization
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class GroupNorm(ChannelNormalization):
    """`groups` ranges of channels; `epsilon` is added to the variance."""

    groups: int = 1
    epsilon: float = 1e-5

    kind: ClassVar[str] = "group_norm"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x, whose channels must fall into groups."""
        (shape,) = super().infer_shapes(inputs)
        if self.groups < 1 or shape[1] % self.groups:
            raise ValueError(f"{shape[1]} channels do not fall into {self.groups} groups")
        return [shape]

    def reduced(self, rank: int) -> frozenset[int]:
        """All axes but the samples: a tile does not cut a group."""
        return frozenset(range(1, rank))

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        return self.by_channel(function, inputs, self.groups, self.epsilon)
