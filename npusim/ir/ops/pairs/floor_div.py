"""Quotient of two tensors, rounded down; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class FloorDiv(Pairwise):
    """floor(a / b). LiteRT divides the stored integers of int8 tensors, whatever their scales."""

    kind: ClassVar[str] = "floor_div"
    rate: ClassVar[str] = "div"
