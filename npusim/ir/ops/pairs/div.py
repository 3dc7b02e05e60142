"""Quotient of two tensors; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.pairs import DIV_PARAMETERS


@dataclass(frozen=True)
class Div(Pairwise):
    """a / b. On 8 bits x / 0 saturates and 0 / 0 is 0, where LiteRT refuses to run."""

    kind: ClassVar[str] = "div"
    rate: ClassVar[str] = "div"
    parameters = DIV_PARAMETERS
