"""Quick GELU, x * logistic(alpha * x); SiLU (swish) at alpha 1; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class QuickGelu(Unary):
    """Attributes: `alpha`, the factor inside the logistic function."""

    alpha: float = 1.702

    kind: ClassVar[str] = "quick_gelu"
