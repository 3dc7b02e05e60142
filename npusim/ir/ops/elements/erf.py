"""Error function; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Erf(Unary):
    """No attributes."""

    kind: ClassVar[str] = "erf"
