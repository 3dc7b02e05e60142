"""The negative of x; see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.fixed_point_unary import stored_neg


@dataclass(frozen=True)
class Neg(Unary):
    """No attributes."""

    kind: ClassVar[str] = "neg"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {"wrapping": stored_neg}
