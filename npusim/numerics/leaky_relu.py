"""Parameters of a leaky ReLU on 8 bits: a factor for each sign of the input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.factors import fixed_point, product, quotient
from npusim.numerics.quantization import Quantization

Clamp = tuple[int, int]

SMALLEST_RATIO, LARGEST_RATIO = 2.0**-8, 2.0**7
"""Ratios sx / sy that XNNPACK takes."""
LARGEST_SLOPE = 128.0 - 2.0**-8
"""Largest size of sx / sy * alpha that XNNPACK takes; the smallest is that of the ratio."""


class FixedPointLeakyRelu(NamedTuple):
    """Multipliers Q0.31 and shifts; `sign` is that of the slope, whose multiplier is positive."""

    x_zero: int
    multiplier: int
    shift: int
    slope_multiplier: int
    slope_shift: int
    sign: int
    y_zero: int
    low: int
    high: int


class Factor8LeakyRelu(NamedTuple):
    """((x - x_zero) * factor + 128) >> 8, plus y_zero; one factor for each sign."""

    x_zero: int
    factor: int
    slope_factor: int
    y_zero: int
    low: int
    high: int


def fixed_point_leaky_relu(
    x: Quantization, y: Quantization, clamp: Clamp, alpha: float
) -> FixedPointLeakyRelu:
    """TFLite: sx / sy and sx * alpha / sy, in float32, as fixed-point multipliers."""
    scaled = product("leaky_relu", x.scalar_scale, alpha)
    slope = quotient("leaky_relu", scaled, y.scalar_scale)
    ratio = quotient("leaky_relu", x.scalar_scale, y.scalar_scale)
    return FixedPointLeakyRelu(
        x.scalar_zero_point, *fixed_point(ratio), *fixed_point(abs(slope)),
        -1 if slope < 0 else 1, y.scalar_zero_point, *clamp,
    )  # fmt: skip


def signed_leaky_relu(
    x: Quantization, y: Quantization, clamp: Clamp, alpha: float
) -> FixedPointLeakyRelu:
    """TFLite's built-in kernel of 16 bits: a negative slope is a negative multiplier."""
    p = fixed_point_leaky_relu(x, y, clamp, alpha)
    return p._replace(slope_multiplier=p.sign * p.slope_multiplier, sign=1)


def factor8_leaky_relu(
    x: Quantization, y: Quantization, clamp: Clamp, alpha: float
) -> Factor8LeakyRelu:
    """XNNPACK: both ratios in float32 as integers with 8 fraction bits."""
    factor, slope = (int(np.rint(np.float32(256.0) * ratio)) for ratio in _ratios(x, y, alpha))
    return Factor8LeakyRelu(x.scalar_zero_point, factor, slope, y.scalar_zero_point, *clamp)


def has_factor8(x: Quantization, y: Quantization, alpha: float) -> bool:
    """True if XNNPACK takes these scales and this slope."""
    ratio, slope = (float(value) for value in _ratios(x, y, alpha))
    return SMALLEST_RATIO <= ratio <= LARGEST_RATIO and (
        SMALLEST_RATIO <= abs(slope) <= LARGEST_SLOPE
    )


def _ratios(x: Quantization, y: Quantization, alpha: float) -> tuple[np.float32, np.float32]:
    ratio = quotient("leaky_relu", x.scalar_scale, y.scalar_scale)
    return ratio, product("leaky_relu", ratio, alpha)
