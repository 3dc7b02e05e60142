"""What is left of a / b rounded down: it has the sign of b; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class FloorMod(Pairwise):
    """a - b * floor(a / b); integers are not divided by zero."""

    kind: ClassVar[str] = "floor_mod"
    rate: ClassVar[str] = "div"
