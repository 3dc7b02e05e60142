"""Maximum along axes; see `extremum.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.extremum import Extremum


@dataclass(frozen=True)
class ReduceMax(Extremum):
    """The largest element."""

    kind: ClassVar[str] = "reduce_max"
