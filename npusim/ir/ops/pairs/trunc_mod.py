"""What is left of a / b without its fraction: it has the sign of a; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise


@dataclass(frozen=True)
class TruncMod(Pairwise):
    """a - b * trunc(a / b); integers are not divided by zero."""

    kind: ClassVar[str] = "trunc_mod"
    rate: ClassVar[str] = "div"
