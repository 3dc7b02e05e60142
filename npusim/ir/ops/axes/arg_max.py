"""Where along an axis the maximum is; see `arg_extremum.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.axes.arg_extremum import ArgExtremum


@dataclass(frozen=True)
class ArgMax(ArgExtremum):
    """Index of the largest element."""

    kind: ClassVar[str] = "arg_max"
