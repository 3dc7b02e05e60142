"""ELU, x above zero and alpha * (exp(x) - 1) below; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Elu(Unary):
    """Attributes: `alpha`, the value far below zero, negated."""

    alpha: float = 1.0

    kind: ClassVar[str] = "elu"
