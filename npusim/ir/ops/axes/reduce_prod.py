"""Product along axes; see `reduction.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.reduction import Reduction
from npusim.numerics.reductions import PROD_PARAMETERS


@dataclass(frozen=True)
class ReduceProd(Reduction):
    """The product."""

    kind: ClassVar[str] = "reduce_prod"
    parameters = PROD_PARAMETERS
