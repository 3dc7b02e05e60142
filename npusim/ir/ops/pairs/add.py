"""Sum of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.elementwise import ADD_PARAMETERS
from npusim.numerics.pairs import sums_delegated


@dataclass(frozen=True)
class Add(Pairwise):
    """The sum of two tensors."""

    kind: ClassVar[str] = "add"
    rate: ClassVar[str] = "add"
    parameters = ADD_PARAMETERS
    is_usual = staticmethod(sums_delegated)
