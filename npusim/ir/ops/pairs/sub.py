"""Difference of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.pairs import SUB_PARAMETERS, sums_delegated


@dataclass(frozen=True)
class Sub(Pairwise):
    """a - b; in integers an Add with a negative second factor."""

    kind: ClassVar[str] = "sub"
    rate: ClassVar[str] = "add"
    kernel: ClassVar[str] = "add"
    parameters = SUB_PARAMETERS
    is_usual = staticmethod(sums_delegated)
