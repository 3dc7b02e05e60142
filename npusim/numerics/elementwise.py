"""Parameters of element-wise operators: from scales to the plain numbers that their kernels take.

real = scale * (q - zero_point) for each tensor. Per arithmetic one function; the kernel of the same
name in `npusim/kernels/reference/` states how the numbers are used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.onnx_runtime import fused_sum, product_sum
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

Clamp = tuple[int, int]

ADD_LEFT_SHIFT = 20
"""Bits by which TFLite's 8-bit Add scales its inputs up before it rounds them."""

WIDE_ADD_LEFT_SHIFT = 15
"""The same of its 16-bit Add."""

ADD_PRECISION = 20
"""Bits that XNNPACK's 8-bit Add keeps of the larger input factor."""


class FixedPointSum(NamedTuple):
    """Multipliers Q0.31 with their shifts (positive = left) of both inputs and of the output."""

    a_zero: int
    b_zero: int
    left_shift: int
    a_multiplier: int
    a_shift: int
    b_multiplier: int
    b_shift: int
    y_multiplier: int
    y_shift: int
    y_zero: int
    low: int
    high: int


class OneShiftSum(NamedTuple):
    """out = ((a * a_multiplier + b * b_multiplier + bias) >> shift) + y_zero.

    `bias` holds the zero points and half a unit, so that the shift rounds half up.
    """

    bias: int
    a_multiplier: int
    b_multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


class FixedPointProduct(NamedTuple):
    """Product of centred inputs times multiplier (Q0.31) * 2^shift."""

    a_zero: int
    b_zero: int
    multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


class FloatProduct(NamedTuple):
    """Product of centred inputs times a float32 scale."""

    a_zero: int
    b_zero: int
    scale: np.float32
    y_zero: int
    low: int
    high: int


def fixed_point_sum(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp,
    left_shift: int = ADD_LEFT_SHIFT,
) -> FixedPointSum:  # fmt: skip
    """TFLite's Add: both inputs relative to twice the larger scale, in float64."""
    sa, sb, sy = (float(q.scalar_scale) for q in (a, b, y))
    twice_larger = 2.0 * max(sa, sb)
    factors = (sa / twice_larger, sb / twice_larger, twice_larger / (2.0**left_shift * sy))
    (ma, ea), (mb, eb), (my, ey) = (_multiplier(factor) for factor in factors)
    zeros = a.scalar_zero_point, b.scalar_zero_point, y.scalar_zero_point
    return FixedPointSum(zeros[0], zeros[1], left_shift, ma, ea, mb, eb, my, ey, zeros[2], *clamp)


def wide_fixed_point_sum(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointSum:
    """TFLite's Add of 16 bits; like LiteRT's it takes an output that is not much finer."""
    p = fixed_point_sum(a, b, y, clamp, WIDE_ADD_LEFT_SHIFT)
    if p.y_shift > 0:
        what = "a sum of 16 bits whose output's scale is 2^14 times finer than an input's"
        raise UnsupportedModelError(Problem("add", f"{what} is not supported"))
    return p


def one_shift_sum(a: Quantization, b: Quantization, y: Quantization, clamp: Clamp) -> OneShiftSum:
    """XNNPACK's Add: float32 factors as integers on a common power of two."""
    ra = a.scalar_scale / y.scalar_scale
    rb = b.scalar_scale / y.scalar_scale
    _, exponent = np.frexp(max(ra, rb))
    shift = ADD_PRECISION - (int(exponent) - 1)
    if shift < 1:
        what = f"input scales over {max(ra, rb):g} times the output's are too large for one shift"
        raise UnsupportedModelError(Problem("add", what))
    ma = int(np.rint(np.ldexp(np.float64(ra), shift)))
    mb = int(np.rint(np.ldexp(np.float64(rb), shift)))
    bias = (1 << (shift - 1)) - ma * a.scalar_zero_point - mb * b.scalar_zero_point
    return OneShiftSum(bias, ma, mb, shift, y.scalar_zero_point, *clamp)


def fixed_point_product(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointProduct:
    """TFLite's Mul: sa * sb / sy, each step rounded to float32, as a fixed-point multiplier."""
    real = float(_product_scale(a, b, y))
    zeros = a.scalar_zero_point, b.scalar_zero_point
    return FixedPointProduct(*zeros, *_multiplier(real), y.scalar_zero_point, *clamp)


def float_product(a: Quantization, b: Quantization, y: Quantization, clamp: Clamp) -> FloatProduct:
    """XNNPACK's Mul: sa * sb / sy, each step rounded to float32."""
    zeros = a.scalar_zero_point, b.scalar_zero_point
    return FloatProduct(*zeros, _product_scale(a, b, y), y.scalar_zero_point, *clamp)


def _product_scale(a: Quantization, b: Quantization, y: Quantization) -> np.float32:
    """sa * sb / sy, each step rounded to float32."""
    return np.float32(np.float32(a.scalar_scale * b.scalar_scale) / y.scalar_scale)


def _multiplier(real: float) -> tuple[int, int]:
    multiplier, shift = quantize_multiplier(real)
    return int(multiplier), int(shift)


ADD_PARAMETERS = {
    "double_rounding": fixed_point_sum,
    "double_rounding_16": wide_fixed_point_sum,
    "one_shift": one_shift_sum,
    "onnx": fused_sum,
}
MUL_PARAMETERS = {
    "double_rounding": fixed_point_product,
    "float32_rint": float_product,
    "onnx": product_sum,
}
