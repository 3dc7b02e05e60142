"""Parameters of logistic and tanh of 16 bits: TFLite's table of the logistic function.

Entry i of 256 is the logistic of i / 24 in Q0.16, plus half of what the straight line to the next
entry is too low in the middle; the last is the largest number. Inputs come to steps of
1 / (3 * 4096) by an integer factor and a shift; tanh(x) = 2 logistic(2 x) - 1. LiteRT's built-in
kernels compute powers of two as fixed-point numbers instead. Source: `sigmoid_table_uint16` and
`TanhPrepare`, `SigmoidPrepare` of LiteRT 2.3.0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.quantization import Quantization

Array = np.ndarray
Clamp = tuple[int, int]

STEPS_PER_UNIT = 24
ENTRIES = 256
_ONE = 2**16

INTEGER_BITS = 3
"""Inputs of a power of two as scale are Q3.12."""
FRACTION_BITS = 15 - INTEGER_BITS
OUTPUT_SCALE = 2.0**-15
MOST_LEFT_SHIFT = {"logistic": 0, "tanh": 1}
"""Left shifts that make a Q3.12 of what a kernel takes as a fixed-point number."""
LOG2_TOLERANCE = 1e-3
"""How near a scale's logarithm must be to an integer to count as a power of two."""
LARGEST_SHIFT = 31


class SigmoidSteps(NamedTuple):
    """(x * factor + half) >> shift is x in steps of 1 / (3 * 4096)."""

    factor: int
    shift: int


class FixedPointInput(NamedTuple):
    """x, shifted left and saturated, is a number of INTEGER_BITS integer bits."""

    left_shift: int


@functools.cache
def sigmoid_table() -> Array:
    """int64 [256]."""
    places = np.arange(ENTRIES + 1) / STEPS_PER_UNIT
    values, middles = (_ONE / (1.0 + np.exp(-x)) for x in (places, places + 0.5 / STEPS_PER_UNIT))
    shortfall = middles[:-1] - (values[:-1] + values[1:]) / 2
    table: Array = np.rint(values[:-1] + shortfall / 2).astype(np.int64)
    table[-1] = _ONE - 1
    return table


def power_of_two(scale: np.float32) -> int | None:
    """The exponent of a scale that TFLite takes for a power of two, else None."""
    exact = math.log2(float(scale))
    return round(exact) if abs(exact - round(exact)) < LOG2_TOLERANCE else None


def left_shift(kind: str, x: Quantization) -> int | None:
    """The left shift that makes Q3.12 of x for the function `kind`; None for other scales."""
    exponent = power_of_two(x.scalar_scale)
    if exponent is None or not 0 <= exponent + FRACTION_BITS <= MOST_LEFT_SHIFT[kind]:
        return None
    return exponent + FRACTION_BITS


def sigmoid_steps(kind: str, x: Quantization, y: Quantization) -> SigmoidSteps:
    """A factor of 15 bits with its shift; small powers of two need none."""
    _require_output(kind, y)
    shift = left_shift(kind, x)
    if shift is not None:
        return SigmoidSteps(3 << shift, 0)
    factor, right = float(x.scalar_scale) * 2.0**FRACTION_BITS * 3.0, 0
    while factor <= 32767.0 / 2.0 and right < LARGEST_SHIFT:
        factor, right = factor * 2.0, right + 1
    if factor >= 2.0**16 or right >= LARGEST_SHIFT:
        what = f"{kind} of int16 with the scale {x.scalar_scale:g} is not supported"
        raise UnsupportedModelError(Problem(kind, what))
    return SigmoidSteps(int(factor), right)


def fixed_point_input(kind: str, x: Quantization, y: Quantization) -> FixedPointInput:
    """The shift of a scale that has one."""
    _require_output(kind, y)
    shift = left_shift(kind, x)
    assert shift is not None
    return FixedPointInput(shift)


def _require_output(kind: str, y: Quantization) -> None:
    if float(y.scalar_scale) != OUTPUT_SCALE:
        what = f"{kind} of int16 gives the scale 1/32768, not {y.scalar_scale:g}"
        raise UnsupportedModelError(Problem(kind, what))


def parameters_of(kind: str) -> Mapping[str, Callable[..., Any]]:
    """Parameters of the arithmetics of `kind`, from the quantization of x and output."""
    return {
        "sigmoid_table": lambda x, y, clamp: sigmoid_steps(kind, x, y),
        "fixed_point": lambda x, y, clamp: fixed_point_input(kind, x, y),
    }


def without_fixed_point(kind: str, arithmetic: str, x: Quantization) -> str:
    """`arithmetic`, but the table where x is no fixed-point number that `kind` takes."""
    outside = arithmetic == "fixed_point" and left_shift(kind, x) is None
    return "sigmoid_table" if outside else arithmetic
