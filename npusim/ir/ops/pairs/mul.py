"""Product of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.elementwise import MUL_PARAMETERS
from npusim.numerics.pairs import products_delegated


@dataclass(frozen=True)
class Mul(Pairwise):
    """The product of two tensors."""

    kind: ClassVar[str] = "mul"
    rate: ClassVar[str] = "mul"
    parameters = MUL_PARAMETERS
    is_usual = staticmethod(products_delegated)
