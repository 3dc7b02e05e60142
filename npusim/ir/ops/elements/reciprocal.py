"""Reciprocal, 1 / x; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Reciprocal(Unary):
    """No attributes."""

    kind: ClassVar[str] = "reciprocal"
