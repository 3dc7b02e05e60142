"""Floating-point sums in exact rational arithmetic: an oracle that shares no code with npusim.

A number is NAN, an infinity, or an exact fraction with the sign that it has if it is zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from npusim.numerics.accumulation import Accumulation

FORMATS = {
    "fp8_e5m2": (3, -14, Fraction(57344)),
    "fp16": (11, -14, Fraction(65504)),
    "bf16": (8, -126, Fraction(255 * 2**120)),
    "fp32": (24, -126, Fraction((2**24 - 1) * 2**104)),
}
"""Significant bits, exponent of the least normal number, greatest number."""


@dataclass(frozen=True)
class Number:
    """`special` is nan, inf or empty; `negative` is the sign, that of a zero as well."""

    value: Fraction
    negative: bool
    special: str = ""


NAN = Number(Fraction(0), False, "nan")


def number(value: float) -> Number:
    """The exact number behind a float."""
    negative = math.copysign(1.0, value) < 0
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return Number(Fraction(0), negative, "inf")
    return Number(Fraction(value), negative)


def as_float(given: Number) -> float:
    """The float of a number that has one."""
    size = {"nan": math.nan, "inf": math.inf, "": abs(float(given.value))}[given.special]
    return -size if given.negative else size


def product(a: Number, b: Number) -> Number:
    """a * b without a rounding."""
    negative = a.negative != b.negative
    kinds = {a.special, b.special}
    if "nan" in kinds:
        return NAN
    if "inf" in kinds:
        zero = any(not n.special and n.value == 0 for n in (a, b))
        return NAN if zero else Number(Fraction(0), negative, "inf")
    return Number(a.value * b.value, negative)


def total(a: Number, b: Number) -> Number:
    """a + b without a rounding; a zero out of a sum is +0, save that of two negative zeros."""
    if a.special or b.special:
        if "nan" in (a.special, b.special) or (a.special and b.special and a != b):
            return NAN
        return a if a.special else b
    value = a.value + b.value
    return Number(value, value < 0 if value else a.negative and b.negative)


def stored(given: Number, how: Accumulation) -> Number:
    """`given` rounded once to a number of `how.format`."""
    bits, least, greatest = FORMATS[how.format.name]
    if given.special == "nan":
        return given
    size = abs(given.value)
    if given.special != "inf":
        size = _nearest(size, bits, least)
    if given.special == "inf" or size > greatest:
        if how.on_overflow == "infinity":
            return Number(Fraction(0), given.negative, "inf")
        size = greatest
    if how.subnormals == "flush" and size < Fraction(2) ** least:
        size = Fraction(0)
    return Number(-size if given.negative else size, given.negative)


def _nearest(size: Fraction, bits: int, least: int) -> Fraction:
    """The nearest multiple of the spacing at `size`; Python rounds fractions to even."""
    exponent = least
    while Fraction(2) ** (exponent + 1) <= size:
        exponent += 1
    spacing = Fraction(2) ** (exponent - bits + 1)
    return round(size / spacing) * spacing


def convolution(
    x: np.ndarray, w: np.ndarray, acc: np.ndarray, tile: Sequence[int], geometry: Sequence[int],
    how: Accumulation,
) -> np.ndarray:  # fmt: skip
    """What `conv_accumulate_float` leaves in `acc`, one output after the other."""
    b0, _, g0, _, k0, _, c0, c1, y0, _, x0, _ = tile
    result = acc.copy()
    for place in np.ndindex(acc.shape):
        b, row, col, g, k = (a + o for a, o in zip(place, (b0, y0, x0, g0, k0), strict=True))
        sums = number(float(acc[place]))
        for fy, fx in np.ndindex(w.shape[2:4]):
            spot = _input(geometry, row, col, fy, fx)
            terms = []
            for c in range(c0, c1):
                value = _value(x, (b, *spot, g, c))
                term = product(number(value), number(float(w[g, k, fy, fx, c])))
                terms.append(stored(term, how) if how.products == "rounded" else term)
            for first in range(0, len(terms), how.tree):
                sums = stored(total(sums, _tree(terms[first : first + how.tree], how)), how)
        result[place] = as_float(sums)
    return result


def _tree(terms: list[Number], how: Accumulation) -> Number:
    if len(terms) == 1:
        return terms[0]
    level = [
        stored(total(*terms[i : i + 2]), how) if i + 1 < len(terms) else terms[i]
        for i in range(0, len(terms), 2)
    ]
    return _tree(level, how)


def _input(geometry: Sequence[int], row: int, col: int, fy: int, fx: int) -> tuple[int, int]:
    stride_y, stride_x, dilation_y, dilation_x, top, left = geometry
    return row * stride_y + fy * dilation_y - top, col * stride_x + fx * dilation_x - left


def _value(x: np.ndarray, place: tuple[int, ...]) -> float:
    inside = 0 <= place[1] < x.shape[1] and 0 <= place[2] < x.shape[2]
    found: Any = x[place] if inside else 0.0
    return float(found)
