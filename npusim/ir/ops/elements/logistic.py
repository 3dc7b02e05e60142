"""Logistic function (sigmoid), 1 / (1 + exp(-x)); see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.quantization import Quantization
from npusim.numerics.sigmoid_table import parameters_of, without_fixed_point


@dataclass(frozen=True)
class Logistic(Unary):
    """No attributes."""

    kind: ClassVar[str] = "logistic"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = parameters_of("logistic")

    def chosen(self, arithmetic: str, x: Quantization, y: Quantization) -> str:
        """Fixed-point numbers are powers of two; TFLite takes its table for other scales."""
        return without_fixed_point(self.kind, arithmetic, x)
