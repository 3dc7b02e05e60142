"""Power of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class Pow(Pairwise):
    """a to the power of b."""

    kind: ClassVar[str] = "pow"
    rate: ClassVar[str] = "exp"
