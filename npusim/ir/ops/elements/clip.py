"""A clamp to any real bounds, for those that `relu.py` has no name for; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Clip(Unary):
    """Attributes: the bounds, infinite where there is none."""

    low: float = float("-inf")
    high: float = float("inf")

    kind: ClassVar[str] = "clip"
    rate: ClassVar[str] = "relu"
