"""Parameters of TFLite's hard swish in 16-bit fixed point.

The input, shifted left by 7 bits, is scaled twice: to the output's scale, and so that 3.0 becomes
2^15 (the factor that goes from 0 to 1). Source: `HardSwishPrepare` in TensorFlow Lite's
`kernels/activations.cc`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.factors import fixed_point, product, quotient
from npusim.numerics.quantization import Quantization

Clamp = tuple[int, int]

INPUT_SHIFT = 7
"""Bits by which the centred input is shifted left."""
SMALLEST_EXPONENT = -15
"""16 bits can't be shifted further; TFLite's kernel takes more and gives no meaningful result."""
FACTOR_SCALE = np.float32(3.0) / np.float32(32768.0)
"""Real value of one step of the factor."""
_ROUNDING, _LARGEST = 1 << 15, 2**15 - 1


class FixedPointHardSwish(NamedTuple):
    """Multipliers Q0.15 and exponents (positive = left) of the output and of the factor."""

    x_zero: int
    y_multiplier: int
    y_exponent: int
    factor_multiplier: int
    factor_exponent: int
    y_zero: int
    low: int
    high: int


def fixed_point_hard_swish(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointHardSwish:
    """Both multipliers from float32 ratios; UnsupportedModelError for scales too far apart."""
    scale = product("hard_swish", 1.0 / (1 << INPUT_SHIFT), x.scalar_scale)
    y_multiplier, y_exponent = _multiplier(quotient("hard_swish", scale, y.scalar_scale))
    if not SMALLEST_EXPONENT <= y_exponent <= 0:
        what = "hard_swish needs an output scale of 1/128 to 512 times the input's"
        raise UnsupportedModelError(Problem("hard_swish", what))
    factor = _multiplier(quotient("hard_swish", scale, FACTOR_SCALE))
    return FixedPointHardSwish(
        x.scalar_zero_point, y_multiplier, y_exponent, *factor, y.scalar_zero_point, *clamp
    )


def _multiplier(ratio: np.float32) -> tuple[int, int]:
    """A ratio as a multiplier of 16 bits and an exponent."""
    multiplier, exponent = fixed_point(ratio)
    return min((multiplier + _ROUNDING) >> 16, _LARGEST), exponent
