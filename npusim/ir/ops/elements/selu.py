"""SELU, gamma * x above zero and gamma * alpha * (exp(x) - 1) below; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Selu(Unary):
    """Attributes: `alpha` and `gamma`, by default those that keep mean 0 and variance 1."""

    alpha: float = 1.67326319217681884765625
    gamma: float = 1.05070102214813232421875

    kind: ClassVar[str] = "selu"
