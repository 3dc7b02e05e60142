"""Hard swish in 16-bit fixed point (TFLite's kernels).

With h = (x - x_zero) << 7: the output is h on the output's scale times a factor that goes from 0 at
real -3 to 1 at real 3, saturating. Source: `reference/hard_swish.h` of TensorFlow Lite.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.hard_swish import INPUT_SHIFT, FixedPointHardSwish
from npusim.numerics.requantize import rounding_divide_by_power_of_two

Array = np.ndarray

LOWEST, LARGEST = -(2**15), 2**15 - 1


def hard_swish_fixed_point(x: Array, out: Array, p: FixedPointHardSwish) -> None:
    """x, out int8|uint8 of one shape."""
    high = (x.astype(np.int64) - p.x_zero) << INPUT_SHIFT
    scaled = _high_product(high, p.y_multiplier)
    factor = (_factor(high, p) + (1 << 15)) >> 1
    product = np.trunc(factor * scaled / 2.0**15).astype(np.int64)
    shift = np.array(-p.y_exponent, np.int64)
    store(rounding_divide_by_power_of_two(product, shift), p.y_zero, p.low, p.high, out)


def _factor(high: Array, p: FixedPointHardSwish) -> Array:
    """real / 3 in Q0.15, saturating; the last step left comes after the multiplication."""
    left = max(p.factor_exponent, 0)
    value = _saturated(high << max(left - 1, 0))
    value = _high_product(value, p.factor_multiplier)
    if left:
        return _saturated(value << 1)
    return rounding_divide_by_power_of_two(value, np.array(-p.factor_exponent, np.int64))


def _saturated(value: Array) -> Array:
    return np.asarray(np.clip(value, LOWEST, LARGEST))


def _high_product(value: Array, multiplier: int) -> Array:
    """(value * multiplier) / 2^15 rounded half up in size: 16-bit saturating doubling product."""
    product = value * multiplier
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.trunc(nudged / 2.0**15).astype(np.int64)
