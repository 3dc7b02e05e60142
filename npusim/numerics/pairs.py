"""Functions of two elements: their parameters in integers, and the functions on reals.

real = scale * (q - zero_point) for each tensor. A kernel of the name that is given with each class
states how its numbers are used. Sums and products are in `elementwise.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError, UsageError
from npusim.numerics.elementwise import (
    FixedPointSum,
    OneShiftSum,
    fixed_point_sum,
    one_shift_sum,
    wide_fixed_point_sum,
)
from npusim.numerics.prelu import prelu
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier
from npusim.numerics.rescale import Affine

Array = np.ndarray
Clamp = tuple[int, int]
Function = Callable[[Array, Array], Array]

DIFFERENCE_LEFT_SHIFT = 7
"""Bits by which TFLite's SQUARED_DIFFERENCE scales its inputs up before it rounds them."""

COMPARISON_LEFT_SHIFT = 8
"""Bits by which TFLite's comparisons of 8-bit values scale their inputs up."""


SUM_RATIOS = (2.0**-10, 2.0**8)
"""Input scales over the output's for which XNNPACK takes Add and Sub, the upper one excluded.

Beyond them LiteRT runs its built-in kernels. Those of Add and Mul overflow from the upper bound on;
there `add_other` and `mul_other` mean the reference kernels, which saturate.
"""
PRODUCT_RATIOS = (2.0**-16, 2.0**8)
"""The same for the product of both input scales, for its Mul."""


CUBE = 3
"""Exponent for which ONNX Runtime multiplies."""


class PlainPair(NamedTuple):
    """function(a, b) clamped, on float32 or on integers that mean themselves (`pair_plain`)."""

    function: Function
    low: float | None
    high: float | None


class RealPair(NamedTuple):
    """function(real a, real b) in float32, quantized as `y` (`pair_through_float`).

    Without `y` the result is stored as it is: it is a truth value.
    """

    function: Function
    a: Affine
    b: Affine
    y: Affine | None


class StoredPair(NamedTuple):
    """function(a, b) of the stored integers, whatever they mean (`pair_stored`)."""

    function: Function
    low: int
    high: int


class FixedPointQuotient(NamedTuple):
    """(a - a_zero) / (b - b_zero) times multiplier (Q0.31) * 2^shift (`div_double_rounding`)."""

    a_zero: int
    b_zero: int
    multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


class FixedPointComparison(NamedTuple):
    """Both inputs, shifted left, times their own multiplier (`compare_double_rounding`)."""

    function: Function
    a_zero: int
    b_zero: int
    left_shift: int
    a_multiplier: int
    a_shift: int
    b_multiplier: int
    b_shift: int


def always(a: Quantization, b: Quantization, y: Quantization) -> bool:
    """True: no scales are special."""
    return True


def sums_delegated(a: Quantization, b: Quantization, y: Quantization) -> bool:
    """True for the scales of an Add or Sub that XNNPACK takes."""
    low, high = SUM_RATIOS
    return all(low <= q.scalar_scale / y.scalar_scale < high for q in (a, b))


def products_delegated(a: Quantization, b: Quantization, y: Quantization) -> bool:
    """True for the scales of a Mul that XNNPACK takes."""
    low, high = PRODUCT_RATIOS
    return bool(low <= a.scalar_scale * b.scalar_scale / y.scalar_scale < high)


def fixed_point_difference(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointSum:
    """TFLite's Sub: its Add with a negative second factor."""
    p = fixed_point_sum(a, b, y, clamp)
    return p._replace(b_multiplier=-p.b_multiplier)


def wide_fixed_point_difference(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointSum:
    """TFLite's Sub of 16 bits."""
    p = wide_fixed_point_sum(a, b, y, clamp)
    return p._replace(b_multiplier=-p.b_multiplier)


def one_shift_difference(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> OneShiftSum:
    """XNNPACK's Sub: its Add with a negative second factor."""
    p = one_shift_sum(a, b, y, clamp)
    bias = p.bias + 2 * p.b_multiplier * b.scalar_zero_point
    return p._replace(b_multiplier=-p.b_multiplier, bias=bias)


def fixed_point_quotient(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointQuotient:
    """TFLite's Div: sa / (sb * sy), each step rounded to float32, as a fixed-point multiplier.

    Raises UnsupportedModelError if that is no number of float32.
    """
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        real = a.scalar_scale / np.float32(b.scalar_scale * y.scalar_scale)
    if not np.isfinite(real):
        what = "the scales of a quotient give a factor beyond float32"
        raise UnsupportedModelError(Problem("div", what))
    zeros = a.scalar_zero_point, b.scalar_zero_point
    return FixedPointQuotient(*zeros, *_multiplier(float(real)), y.scalar_zero_point, *clamp)


def fixed_point_squared_difference(
    a: Quantization, b: Quantization, y: Quantization, clamp: Clamp
) -> FixedPointSum:
    """TFLite: the difference relative to twice the larger scale, squared, then rescaled."""
    sa, sb, sy = (float(q.scalar_scale) for q in (a, b, y))
    twice_larger = 2.0 * max(sa, sb)
    unit = 2.0 ** (2 * DIFFERENCE_LEFT_SHIFT)
    factors = (sa / twice_larger, sb / twice_larger, twice_larger * twice_larger / (unit * sy))
    if factors[2] >= 1.0:
        what = f"a squared difference {factors[2]:g} times the output's scale is not supported"
        raise UnsupportedModelError(Problem("squared_difference", what))
    (ma, ea), (mb, eb), (my, ey) = (_multiplier(factor) for factor in factors)
    zeros = a.scalar_zero_point, b.scalar_zero_point, y.scalar_zero_point
    return FixedPointSum(
        zeros[0], zeros[1], DIFFERENCE_LEFT_SHIFT, ma, ea, -mb, eb, my, ey, zeros[2], *clamp
    )


def fixed_point_comparison(kind: str, a: Quantization, b: Quantization) -> FixedPointComparison:
    """TFLite: both inputs as fixed-point reals; it takes scales below 1 only."""
    for scale in (a.scalar_scale, b.scalar_scale):
        if scale >= 1.0:
            what = f"a comparison of tensors with scales of 1 or more ({scale:g}) is not supported"
            raise UnsupportedModelError(Problem(kind, what))
    (ma, ea), (mb, eb) = (_multiplier(float(q.scalar_scale)) for q in (a, b))
    zeros = a.scalar_zero_point, b.scalar_zero_point
    return FixedPointComparison(COMPARISONS[kind], *zeros, COMPARISON_LEFT_SHIFT, ma, ea, mb, eb)


def real_pair(
    kind: str, a: Quantization, b: Quantization, y: Quantization | None, clamp: Clamp
) -> RealPair:
    """The function `kind` of dequantized values; the clamp bounds the stored result."""
    target = None if y is None else Affine(y.scalar_scale, y.scalar_zero_point, *clamp)
    function = COMPARISONS[kind] if kind in COMPARISONS else FUNCTIONS[kind]
    return RealPair(function, _affine(a), _affine(b), target)


def _affine(q: Quantization) -> Affine:
    return Affine(q.scalar_scale, q.scalar_zero_point, 0, 0)


def _multiplier(real: float) -> tuple[int, int]:
    multiplier, shift = quantize_multiplier(real)
    return int(multiplier), int(shift)


def _is_plain(a: Array) -> bool:
    return a.dtype.kind in "iu"


def _check_divisor(b: Array) -> None:
    if _is_plain(b) and (b == 0).any():
        raise UsageError(Problem("", "an integer is divided by zero"))


def quotient(a: Array, b: Array) -> Array:
    """a / b; of integers the part before the point."""
    _check_divisor(b)
    if _is_plain(a):
        return np.asarray(np.abs(a) // np.abs(b) * np.sign(a) * np.sign(b))
    return np.asarray(a / b)


def floor_quotient(a: Array, b: Array) -> Array:
    """The largest integer that is not above a / b."""
    _check_divisor(b)
    if _is_plain(a):
        return np.asarray(a // b)
    return np.asarray(np.floor(a / b))


def floor_remainder(a: Array, b: Array) -> Array:
    """a - b * floor(a / b), exact."""
    _check_divisor(b)
    return np.asarray(np.mod(a, b))


def trunc_remainder(a: Array, b: Array) -> Array:
    """a - b * trunc(a / b), exact: C's remainder, and its fmod."""
    _check_divisor(b)
    return np.asarray(np.fmod(a, b))


def power(a: Array, b: Array) -> Array:
    """a to the power of b; of float32 the exact result rounded once, but a cube by two products.

    That is how ONNX Runtime computes it, apart from single last bits of its C library.
    """
    if _is_plain(a):
        if (b < 0).any():
            raise UsageError(Problem("", "an integer is raised to a negative power"))
        return np.asarray(a**b)
    if (b == CUBE).all():
        return np.asarray(a * a * a)
    return np.asarray(np.power(a.astype(np.float64), b.astype(np.float64)).astype(np.float32))


def squared_difference(a: Array, b: Array) -> Array:
    """(a - b)^2, each step rounded."""
    difference = a - b
    return np.asarray(difference * difference)


FUNCTIONS: Mapping[str, Function] = {
    "add": np.add,
    "float_add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": quotient,
    "floor_div": floor_quotient,
    "floor_mod": floor_remainder,
    "trunc_mod": trunc_remainder,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "pow": power,
    "prelu": prelu,
    "squared_difference": squared_difference,
}
"""On float32, and on integers that mean themselves (int32 and int64 wrap)."""

COMPARISONS: Mapping[str, Function] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
"""Functions whose result is a truth value."""

BITWISE: Mapping[str, Function] = {
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
}
"""Functions of the bits of two integers."""

SUB_PARAMETERS = {
    "double_rounding": fixed_point_difference,
    "double_rounding_16": wide_fixed_point_difference,
    "one_shift": one_shift_difference,
}
DIV_PARAMETERS = {"double_rounding": fixed_point_quotient}
SQUARED_DIFFERENCE_PARAMETERS = {"double_rounding": fixed_point_squared_difference}
