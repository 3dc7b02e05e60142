"""Parameters of a ReLU whose slope is a tensor, on 8 bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

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
    product = np.float32(x.scalar_scale * slope.scalar_scale)
    multiplier, shift = quantize_multiplier(float(x.scalar_scale / y.scalar_scale))
    slope_multiplier, slope_shift = quantize_multiplier(float(product / y.scalar_scale))
    return FixedPointPRelu(
        x.scalar_zero_point, slope.scalar_zero_point, int(multiplier), int(shift),
        int(slope_multiplier), int(slope_shift), y.scalar_zero_point, *clamp,
    )  # fmt: skip


def prelu(x: Array, slope: Array) -> Array:
    """x, times slope where it is negative."""
    return np.where(x < 0, slope * x, x)


PRELU_PARAMETERS = {"double_rounding": fixed_point_prelu}
