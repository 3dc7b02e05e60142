"""x above a threshold and 0 below; see `unary.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.elements.unary import Unary


@dataclass(frozen=True)
class ThresholdedRelu(Unary):
    """Attributes: the threshold `alpha`."""

    alpha: float = 1.0

    kind: ClassVar[str] = "thresholded_relu"
