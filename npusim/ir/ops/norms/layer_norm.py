"""Layer normalization: (x - mean) / sqrt(variance + epsilon) * scale + shift over the last axes.

Inputs: x, scale of x's axes from `axis` on, optional shift likewise; see `normalization.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.norms.normalization import Normalization


@dataclass(frozen=True)
class LayerNorm(Normalization):
    """`epsilon` is added to the variance; `axis` is the first axis that is normalized over."""

    epsilon: float = 1e-5
    axis: int = -1

    kind: ClassVar[str] = "layer_norm"

    def reduced(self, rank: int) -> frozenset[int]:
        """All axes from `axis` on."""
        return frozenset(range(normal_axis(self.axis, rank), rank))

    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """The axes that are normalized over."""
        return tuple(sorted(self.reduced(rank)))

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        x, scale = inputs[0], inputs[1].reshape(-1)
        shift = inputs[2].reshape(-1) if len(inputs) > 2 else None
        rows = np.ascontiguousarray(x).reshape(-1, scale.size)
        out = np.empty_like(rows)
        function(rows, out, scale, shift, self.epsilon)
        return out.reshape(x.shape)
