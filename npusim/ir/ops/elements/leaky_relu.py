"""Leaky ReLU, x above zero and alpha * x below; see `unary.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.ir.ops.elements.unary import Unary
from npusim.numerics.leaky_relu import (
    factor8_leaky_relu,
    fixed_point_leaky_relu,
    has_factor8,
    signed_leaky_relu,
)
from npusim.numerics.quantization import Quantization


@dataclass(frozen=True)
class LeakyRelu(Unary):
    """Attributes: the slope `alpha` below zero, of either sign."""

    alpha: float = 0.01

    kind: ClassVar[str] = "leaky_relu"
    own: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "double_rounding": fixed_point_leaky_relu,
        "factor8": factor8_leaky_relu,
        "signed_double_rounding": signed_leaky_relu,
    }

    def chosen(self, arithmetic: str, x: Quantization, y: Quantization) -> str:
        """XNNPACK leaves scales and slopes outside its range to TFLite's kernels."""
        outside = arithmetic == "factor8" and not has_factor8(x, y, self.alpha)
        return "double_rounding" if outside else arithmetic
