"""Instance normalization: (x - mean) / sqrt(variance + epsilon) * scale + shift over the pixels.

Inputs: x [B, K, ...], scale [K], shift [K]; see `normalization.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.norms.normalization import ChannelNormalization


@dataclass(frozen=True)
class InstanceNorm(ChannelNormalization):
    """`epsilon` is added to the variance."""

    epsilon: float = 1e-5

    kind: ClassVar[str] = "instance_norm"

    def reduced(self, rank: int) -> frozenset[int]:
        """All axes but samples and channels."""
        return frozenset(range(2, rank))

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        return self.by_channel(function, inputs, self.epsilon)
