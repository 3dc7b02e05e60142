"""Euclidean norm along axes; see `reduction.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.reduction import Reduction


@dataclass(frozen=True)
class ReduceL2(Reduction):
    """sqrt(sum(x^2))."""

    kind: ClassVar[str] = "reduce_l2"
