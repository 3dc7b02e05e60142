"""Minimum along axes; see `extremum.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.extremum import Extremum


@dataclass(frozen=True)
class ReduceMin(Extremum):
    """The smallest element."""

    kind: ClassVar[str] = "reduce_min"
