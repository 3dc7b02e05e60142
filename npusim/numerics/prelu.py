"""Parameters of a ReLU whose slope is a tensor, on 8 bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.factors import fixed_point, product, quotient
from npusim.numerics.quantization import Quantization

Array = np.ndarray
Clamp = tuple[int, int]


class FixedPointPRelu(NamedTuple):
    """Multipliers Q0.31 with shifts: of x above zero, and of x times slope below."""

    x_zero: int
    slope_zero: int
    multiplier: int
    shift: int
    slope_multiplier: int
    slope_shift: int
    y_zero: int
    low: int
    high: int


def fixed_point_prelu(
    x: Quantization, slope: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointPRelu:
    """TFLite: sx / sy and sx * s_slope / sy, in float32."""
    scale = product("prelu", x.scalar_scale, slope.scalar_scale)
    factors = (quotient("prelu", each, y.scalar_scale) for each in (x.scalar_scale, scale))
    (multiplier, shift), (slope_multiplier, slope_shift) = (fixed_point(each) for each in factors)
    return FixedPointPRelu(
        x.scalar_zero_point, slope.scalar_zero_point, multiplier, shift,
        slope_multiplier, slope_shift, y.scalar_zero_point, *clamp,
    )  # fmt: skip


def prelu(x: Array, slope: Array) -> Array:
    """x, times slope where it is negative."""
    return np.where(x < 0, slope * x, x)


PRELU_PARAMETERS = {"double_rounding": fixed_point_prelu}
