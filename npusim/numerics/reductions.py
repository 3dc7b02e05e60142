"""Parameters of sums, products and the like along axes; means are in `pooling.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.pooling import BiasedMean, FixedPointMean, FloatMean
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

Clamp = tuple[int, int]

LARGEST_SHIFT = 7
"""Left shift that TFLite's multiplication of 64-bit values takes."""


class RealReduction(NamedTuple):
    """A reduction of float32: its name, and the reduced axes in ascending order."""

    kind: str
    axes: tuple[int, ...]


class RoundedFactor(NamedTuple):
    """Product of centred values, each step times multiplier (15 bits) / 2^right_shift.

    The factor of a step is the n-th root of 1 / sy, times sx.
    """

    x_zero: int
    multiplier: int
    right_shift: int
    y_zero: int
    low: int
    high: int


class UnitLength(NamedTuple):
    """Normalized rows: zero points of x and of the output, whose scale is 1/128.

    `shift_first` says that values are shifted to these steps before they are multiplied.
    """

    x_zero: int
    shift_first: bool
    y_zero: int
    low: int
    high: int


UNIT_SCALE = 1.0 / 128.0
"""Scale of TFLite's L2_NORMALIZATION."""


def unit_output(clamp: Clamp) -> Quantization:
    """The quantization that TFLite's L2_NORMALIZATION writes: -1 to 127/128."""
    return Quantization.per_tensor(UNIT_SCALE, (clamp[0] + clamp[1] + 1) // 2)


def fixed_point_sum(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> FixedPointMean:
    """TFLite's Sum: sx / sy in float64 as a fixed-point multiplier."""
    real = float(x.scalar_scale) / float(y.scalar_scale)
    multiplier, shift = (int(value) for value in quantize_multiplier(real))
    return FixedPointMean(x.scalar_zero_point, multiplier, shift, y.scalar_zero_point, *clamp)


def biased_sum(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> BiasedMean:
    """XNNPACK, in float32: scale = sx / sy, bias = zy - (count * zx) * scale."""
    scale = np.float32(x.scalar_scale / y.scalar_scale)
    offset = np.float32(np.float32(count * x.scalar_zero_point) * scale)
    return BiasedMean(scale, np.float32(np.float32(y.scalar_zero_point) - offset), *clamp)


def rounded_factor(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> RoundedFactor:
    """TFLite's REDUCE_PROD: sx / sy^(1 / count) in float64, the mantissa rounded to 15 bits."""
    real = float(x.scalar_scale) / float(y.scalar_scale) ** (1.0 / count)
    multiplier, shift = (int(value) for value in quantize_multiplier(real))
    if shift > LARGEST_SHIFT:
        what = f"a product whose factors are {real:g} output steps each is not supported"
        raise UnsupportedModelError(Problem("reduce_prod", what))
    shortened = min((multiplier + (1 << 15)) >> 16, 0x7FFF)
    return RoundedFactor(x.scalar_zero_point, shortened, 15 - shift, y.scalar_zero_point, *clamp)


def float_sum(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> FloatMean:
    """TFLite's built-in Sum of 16 bits: sx / sy in float32."""
    scale = np.float32(x.scalar_scale / y.scalar_scale)
    return FloatMean(x.scalar_zero_point, scale, y.scalar_zero_point, *clamp)


SUM_PARAMETERS = {
    "double_rounding": fixed_point_sum,
    "double_rounding_as_uint8": fixed_point_sum,
    "float32_bias": biased_sum,
    "float32_half_away": float_sum,
}
PROD_PARAMETERS = {"rounded_factor": rounded_factor}

PLAIN_REDUCTIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
}
"""On integers that mean themselves, and on stored integers where the order alone counts."""

SHIFTS_FIRST = {"fixed_point": False, "shifted_fixed_point": True}
"""Arithmetics of L2_NORMALIZATION in TFLite: that of int8, and that of uint8."""
