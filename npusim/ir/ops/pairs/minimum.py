"""The smaller of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class Minimum(Pairwise):
    """min(a, b), element by element."""

    kind: ClassVar[str] = "minimum"
    rate: ClassVar[str] = "max"
