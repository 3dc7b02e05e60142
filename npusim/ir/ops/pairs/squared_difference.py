"""Squared difference of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.pairs import SQUARED_DIFFERENCE_PARAMETERS


@dataclass(frozen=True)
class SquaredDifference(Pairwise):
    """(a - b)^2."""

    kind: ClassVar[str] = "squared_difference"
    rate: ClassVar[str] = "mul"
    kernel: ClassVar[str] = "squared"
    parameters = SQUARED_DIFFERENCE_PARAMETERS
