"""Mean along axes; over both image axes it is the global average pooling. See `reduction.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.reduction import Reduction
from npusim.numerics.pooling import MEAN_PARAMETERS


@dataclass(frozen=True)
class Mean(Reduction):
    """Attributes of a mean."""

    global_pool: bool = False
    """Written as a global average pooling; ONNX Runtime computes that otherwise than a mean."""

    kind: ClassVar[str] = "mean"
    parameters = MEAN_PARAMETERS

    def row(self) -> str:
        """A global average pooling has a row of its own."""
        return "global_average_pool" if self.global_pool else self.kind
