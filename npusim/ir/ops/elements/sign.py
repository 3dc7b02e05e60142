"""Sign of x: -1, 0 or 1; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Sign(Unary):
    """No attributes."""

    kind: ClassVar[str] = "sign"
