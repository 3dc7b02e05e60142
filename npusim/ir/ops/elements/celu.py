"""CELU, max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)); see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Celu(Unary):
    """Attributes: `alpha`, the value far below zero, negated."""

    alpha: float = 1.0

    kind: ClassVar[str] = "celu"
