"""The larger of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class Maximum(Pairwise):
    """max(a, b), element by element."""

    kind: ClassVar[str] = "maximum"
    rate: ClassVar[str] = "max"
