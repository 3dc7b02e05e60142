"""Shrink: values near 0 become 0, the others come nearer to it by `bias`; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class Shrink(Unary):
    """Attributes: how near is near (`threshold`, itself not), and by how much (`bias`)."""

    threshold: float = 0.5
    bias: float = 0.0

    kind: ClassVar[str] = "shrink"
