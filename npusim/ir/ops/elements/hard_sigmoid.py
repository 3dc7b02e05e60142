"""Hard sigmoid, clamp(alpha * x + beta, 0, 1); see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class HardSigmoid(Unary):
    """Attributes: slope `alpha`, value at zero `beta`."""

    alpha: float = 0.2
    beta: float = 0.5

    kind: ClassVar[str] = "hard_sigmoid"
