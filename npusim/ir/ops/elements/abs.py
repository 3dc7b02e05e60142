"""Absolute value; see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.fixed_point_unary import fixed_point_abs


@dataclass(frozen=True)
class Abs(Unary):
    """No attributes."""

    kind: ClassVar[str] = "abs"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {"double_rounding": fixed_point_abs}
