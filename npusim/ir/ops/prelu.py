"""ReLU with a tensor of slopes below zero, which broadcasts against x; see `pairwise.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairwise import Pairwise
from npusim.ir.tensor import Tensor
from npusim.numerics.prelu import PRELU_PARAMETERS


@dataclass(frozen=True)
class PRelu(Pairwise):
    """Inputs: x, slope."""

    kind: ClassVar[str] = "prelu"
    rate: ClassVar[str] = "relu"
    parameters = PRELU_PARAMETERS

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x; ValueError if the slopes have more extents."""
        (shape,) = super().infer_shapes(inputs)
        x = inputs[0]
        assert x is not None
        if shape != x.shape:
            raise ValueError(f"slopes don't broadcast to the shape {x.shape}")
        return [shape]
