"""Inverse square root of stored integers in fixed point (TFLite's kernels).

Five Newton steps from 1 in Q3.28 on the input brought to [1/4, 1), then the factor of the scales.
Source: `GetInvSqrtQuantizedMultiplierExp` and `RsqrtEvalQuantizedInt8` in TensorFlow Lite.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import (
    multiply_by_quantized_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)
from npusim.numerics.rescale import FixedPointRescale

Array = np.ndarray

PRECISION = 20
"""Bits by which the inverse square root is kept above the integers."""
ONE, THREE_HALVES = 1 << 28, (1 << 28) + (1 << 27)
HALF_SQRT_2 = 1518500250
"""sqrt(2) / 2 in Q0.31."""
STEPS = 5
INT32 = np.iinfo(np.int32)


def rsqrt_fixed_point(x: Array, out: Array, p: FixedPointRescale) -> None:
    """x, out int8|uint8 of one shape; zero and below, which TFLite refuses, become `high`."""
    centred = x.astype(np.int64) - p.x_zero
    inverse = np.zeros(centred.shape, np.int64)
    for value in np.unique(centred[centred > 0]):
        inverse[centred == value] = _inverse_square_root(int(value))
    scaled = _multiplied(inverse, p.multiplier, p.shift - PRECISION) + p.y_zero
    stored = np.clip(np.where(centred > 0, scaled, p.high), p.low, p.high)
    out[...] = stored.astype(out.dtype)


def _inverse_square_root(value: int) -> int:
    """1 / sqrt(value) with PRECISION fraction bits, 1 <= value < 2^29."""
    if value == 1:
        return int(_multiplied(np.array(1, np.int64), int(INT32.max), PRECISION))
    pairs = (31 - value.bit_length()) // 2 - 1
    half = _divided((value << 2 * pairs) >> 1, 1)
    root = ONE
    for _ in range(STEPS):
        cube = _shifted(_product(_product(root, root), root), 6)
        root = _shifted(_product(THREE_HALVES, root) - _product(half, cube), 3)
    shift = 11 - pairs
    multiplier = _product(root, HALF_SQRT_2) << max(-shift, 0)
    return int(_multiplied(np.array(1, np.int64), multiplier, PRECISION - max(shift, 0)))


def _multiplied(x: Array, multiplier: int, shift: int) -> Array:
    return multiply_by_quantized_multiplier(x, np.array(multiplier), np.array(shift))


def _product(a: int, b: int) -> int:
    return int(saturating_rounding_doubling_high_mul(np.array(a), np.array(b)))


def _divided(value: int, bits: int) -> int:
    return int(rounding_divide_by_power_of_two(np.array(value), np.array(bits)))


def _shifted(value: int, bits: int) -> int:
    return min(max(value << bits, int(INT32.min)), int(INT32.max))
