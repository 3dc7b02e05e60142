"""Inverse square root, 1 / sqrt(x); see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.fixed_point_unary import fixed_point_rsqrt


@dataclass(frozen=True)
class Rsqrt(Unary):
    """No attributes."""

    kind: ClassVar[str] = "rsqrt"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {"fixed_point": fixed_point_rsqrt}
