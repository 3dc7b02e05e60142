"""Parameters of rescaling one 8-bit tensor to another scale, and of the borders to float32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

Clamp = tuple[int, int]


class Affine(NamedTuple):
    """real = scale * (q - zero); stored integers lie in [low, high]."""

    scale: np.float32
    zero: int
    low: int
    high: int


class FixedPointRescale(NamedTuple):
    """(x - x_zero) * multiplier (Q0.31) * 2^shift + y_zero."""

    x_zero: int
    multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


def fixed_point_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    """TFLite: sx / sy in float64 as a fixed-point multiplier."""
    real = float(x.scalar_scale) / float(y.scalar_scale)
    multiplier, shift = quantize_multiplier(real)
    zeros = x.scalar_zero_point, y.scalar_zero_point
    return FixedPointRescale(zeros[0], int(multiplier), int(shift), zeros[1], *clamp)


RESCALE_PARAMETERS = {"double_rounding": fixed_point_rescale}
