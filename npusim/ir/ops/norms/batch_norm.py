"""Batch normalization of inference: x * factor + shift per channel, one rounding each.

Inputs: x [B, K, ...], factor [K], shift [K]; see `normalization.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.norms.normalization import ChannelNormalization


@dataclass(frozen=True)
class BatchNorm(ChannelNormalization):
    """No attributes: mean, variance and epsilon are in factor and shift."""

    kind: ClassVar[str] = "batch_norm"

    def reduced(self, rank: int) -> frozenset[int]:
        """None: every element is on its own."""
        return frozenset()

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        return self.by_channel(function, inputs)
