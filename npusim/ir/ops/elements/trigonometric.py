"""Circular and hyperbolic functions and their inverses, in radians; see `unary.py`.

Float32 is the float64 result rounded, which is the nearest but for ties that float64 misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Trigonometric(Unary):
    """Attribute: which function, a key of `npusim.numerics.trigonometry.FUNCTIONS`."""

    function: str = "sin"

    kind: ClassVar[str] = "trigonometric"
