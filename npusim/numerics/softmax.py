"""Parameters of softmax."""

from __future__ import annotations

from typing import NamedTuple

from npusim.numerics.quantization import Quantization

Clamp = tuple[int, int]


class FloatSoftmax(NamedTuple):
    """exp(scale * (x - max)) in float32."""

    scale: float
    y_scale: float
    y_zero: int
    low: int
    high: int


def float_softmax(
    x: Quantization, y: Quantization, beta: float, clamp: Clamp, where: str
) -> FloatSoftmax:
    """beta * sx."""
    scale = float(x.scalar_scale) * beta
    return FloatSoftmax(scale, float(y.scalar_scale), y.scalar_zero_point, *clamp)


SOFTMAX_PARAMETERS = {"float32": float_softmax}
