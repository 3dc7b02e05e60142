"""Parameters of absolute value, negative and inverse square root in TFLite's integer kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.factors import Number, fixed_point, product, quotient
from npusim.numerics.quantization import Quantization
from npusim.numerics.rescale import FixedPointRescale

Clamp = tuple[int, int]


class Stored(NamedTuple):
    """Nothing but the bounds: the stored integers are used as they are."""

    low: int
    high: int


def fixed_point_abs(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    """sx / sy in float32 as a fixed-point multiplier."""
    return _rescale(quotient("abs", x.scalar_scale, y.scalar_scale), x, y, clamp)


def fixed_point_rsqrt(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    """1 / (sqrt(sx) * sy), the product in float32, as a fixed-point multiplier."""
    scale = product("rsqrt", np.sqrt(x.scalar_scale), y.scalar_scale)
    quotient("rsqrt", 1.0, scale)
    return _rescale(1.0 / float(scale), x, y, clamp)


def stored_neg(x: Quantization, y: Quantization, clamp: Clamp) -> Stored:
    """TFLite negates what is stored: right only for one scale and zero points of 0."""
    if x.scalar_zero_point != 0 or not x.same_as(y):
        what = "neg of stored integers needs equal scales and zero points of 0"
        raise UnsupportedModelError(Problem("neg", what))
    return Stored(*clamp)


def _rescale(real: Number, x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    zeros = x.scalar_zero_point, y.scalar_zero_point
    return FixedPointRescale(zeros[0], *fixed_point(real), zeros[1], *clamp)
