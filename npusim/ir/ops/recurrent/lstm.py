"""ONNX's LSTM on float32; see `recurrent.py`. The gates stand in the order i, o, f, c.

Its states are h and c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.recurrent.recurrent import Recurrent
from npusim.kernels.table import Kernels


@dataclass(frozen=True)
class Lstm(Recurrent):
    """Attributes of an LSTM with its usual activations (logistic, tanh, tanh)."""

    kind: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def walk(
        self, kernels: Kernels, x: np.ndarray, weights: Sequence[np.ndarray | None],
        states: Sequence[np.ndarray], y: np.ndarray,
    ) -> None:  # fmt: skip
        """See `Recurrent`."""
        w, r, bias = weights
        shift = None if bias is None else bias.reshape(2, -1).sum(axis=0)
        kernels.get("lstm_float32")(x, w, r, shift, *states, y)
