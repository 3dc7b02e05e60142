"""Normalization by neighbouring channels: x / (bias + alpha / size * sum of squares) ^ beta.

The sum runs over `size` channels around each one. Input: x [B, K, ...] float32; on 8 bits between a
dequantization and a quantization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.norms.normalization import Normalization


@dataclass(frozen=True)
class LocalResponseNorm(Normalization):
    """Attributes as ONNX's LRN has them."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    kind: ClassVar[str] = "local_response_norm"
    channel_axis: ClassVar[int] = 1

    def reduced(self, rank: int) -> frozenset[int]:
        """The channels."""
        return frozenset({1})

    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """None: there is neither scale nor shift."""
        if rank < 3 or self.size < 1:
            raise ValueError(f"{self.kind} of rank {rank} over {self.size} channels is none")
        return ()

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        x = np.ascontiguousarray(inputs[0])
        images = x.reshape(*x.shape[:2], -1)
        out = np.empty_like(images)
        function(images, out, self.size, self.alpha, self.beta, self.bias)
        return out.reshape(x.shape)
