"""A value of the graph: its shape, number format, quantization, and its data if it is constant."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from npusim.numerics.formats import Format
from npusim.numerics.quantization import Quantization


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph: logical shape as in the model file, format, quantization.

    `data` holds a constant (weights, bias, tables), else None. `channel_axis` is the axis that is
    innermost in memory: 1 for the images of an ONNX graph, the last one elsewhere; negative values
    count from the end. `zeros` is the share of its elements that are zero, if known: it changes
    energy and coded traffic, no result.
    """

    name: str
    shape: tuple[int, ...]
    format: Format
    quantization: Quantization | None = None
    data: np.ndarray | None = None
    channel_axis: int = -1
    zeros: float | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes in memory, rounded up to a whole byte."""
        return (self.size * self.format.bits + 7) // 8

    @property
    def is_constant(self) -> bool:
        """True for weights, biases and other values known before the run."""
        return self.data is not None
