"""ONNX's GRU on float32; see `recurrent.py`. The gates stand in the order z, r, h.

With `reset_after` the reset gate scales the recurrent product and its bias, not the state before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.recurrent.recurrent import Recurrent
from npusim.kernels.table import Kernels


@dataclass(frozen=True)
class Gru(Recurrent):
    """Attributes of a GRU with its usual activations (logistic, tanh)."""

    reset_after: bool = False

    kind: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3
    states: ClassVar[int] = 1

    def walk(
        self, kernels: Kernels, x: np.ndarray, weights: Sequence[np.ndarray | None],
        states: Sequence[np.ndarray], y: np.ndarray,
    ) -> None:  # fmt: skip
        """See `Recurrent`."""
        kernels.get("gru_float32")(x, *weights, *states, y, self.reset_after)
