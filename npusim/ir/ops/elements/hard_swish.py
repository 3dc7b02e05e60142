"""Hard swish, x * clamp(x + 3, 0, 6) / 6; see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.hard_swish import fixed_point_hard_swish


@dataclass(frozen=True)
class HardSwish(Unary):
    """No attributes."""

    kind: ClassVar[str] = "hard_swish"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {"fixed_point": fixed_point_hard_swish}
