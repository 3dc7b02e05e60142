"""Sum of magnitudes along axes; see `reduction.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.reduction import Reduction


@dataclass(frozen=True)
class ReduceL1(Reduction):
    """sum(abs(x))."""

    kind: ClassVar[str] = "reduce_l1"
