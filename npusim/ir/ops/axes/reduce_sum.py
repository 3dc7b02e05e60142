"""Sum along axes; see `reduction.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.reduction import Reduction
from npusim.numerics.reductions import SUM_PARAMETERS


@dataclass(frozen=True)
class ReduceSum(Reduction):
    """The sum; in integers a mean with another factor."""

    kind: ClassVar[str] = "sum"
    kernel: ClassVar[str] = "mean"
    parameters = SUM_PARAMETERS
