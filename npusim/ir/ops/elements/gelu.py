"""GELU, x times the normal distribution's integral up to x; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Gelu(Unary):
    """Attributes: `approximate` takes a hyperbolic tangent in place of the error function."""

    approximate: bool = False

    kind: ClassVar[str] = "gelu"
