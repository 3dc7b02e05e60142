"""ONNX's RNN on float32; see `recurrent.py`. Its one gate is the new state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.recurrent.recurrent import Recurrent
from npusim.kernels.table import Kernels


@dataclass(frozen=True)
class Rnn(Recurrent):
    """Attributes of an RNN whose activation is tanh, or ReLU with `rectified`."""

    rectified: bool = False

    kind: ClassVar[str] = "rnn"
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    def walk(
        self, kernels: Kernels, x: np.ndarray, weights: Sequence[np.ndarray | None],
        states: Sequence[np.ndarray], y: np.ndarray,
    ) -> None:  # fmt: skip
        """See `Recurrent`."""
        kernels.get("rnn_float32")(x, *weights, *states, y, self.rectified)
