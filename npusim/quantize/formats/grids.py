"""Grids of representable values, without a scale: what a number format's codes stand for.

    intB         2^B - 1 codes -(2^(B-1) - 1) .. 2^(B-1) - 1: symmetric, zero point 0
    intB-asym    2^B codes 0 .. 2^B - 1 less a whole zero point
    eXmY         sign, X exponent and Y mantissa bits, subnormals, every code a number: no NaN, no
                 infinity. Exponents count from 0: the bias is a part of the scale
    fp8_e4m3     OCP 8-bit formats 1.0, E4M3: bias 7, the greatest mantissa of the greatest exponent
                 is NaN, no infinity
    fp8_e5m2     OCP 8-bit formats 1.0, E5M2: bias 15, the greatest exponent is infinity and NaN

e2m1, e2m3 and e3m2 are the element formats of OCP Microscaling 1.0 (FP4, FP6), but for the bias.
Both zeros of a float are one value. What lies beyond the greatest value becomes that value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name

LEAST_BITS, MOST_BITS = 2, 8
"""Widths that are studied: the tables of a wider format would be long, and its loss small."""
ASYMMETRIC = "-asym"
WITH_SPECIAL_CODES = {"fp8_e4m3": (4, 3, 7, 1), "fp8_e5m2": (5, 2, 15, 4)}
"""Exponent bits, mantissa bits, bias, and how many codes of each sign are no numbers."""
EXAMPLES = (
    "int8", "int4", "int8-asym", "int4-asym", "e1m6", "e2m5", "e3m4", "e4m3", "e5m2", "e2m3",
    "e3m2", "e2m1", *WITH_SPECIAL_CODES,
)  # fmt: skip
"""Names to choose from in messages; others follow the same rule."""

_INTEGER = re.compile(r"int(\d{1,3})(-asym)?")
_FLOAT = re.compile(r"e(\d{1,3})m(\d{1,3})")


@dataclass(frozen=True, eq=False)
class Grid:
    """What the codes of a format stand for at scale 1: `values`, float64 ascending, each once.

    Floats have `mantissa_bits`, and `least_exponent`, below which the step between neighbours
    stays; both are None for integers, whose step is 1. The codes of an `asymmetric` grid start
    at 0: a zero point is taken from them.
    """

    name: str
    bits: int
    values: np.ndarray
    mantissa_bits: int | None = None
    least_exponent: int | None = None
    asymmetric: bool = False

    @property
    def greatest(self) -> float:
        """The greatest value."""
        return float(self.values[-1])

    def placed(
        self, low: np.ndarray, high: np.ndarray, factor: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(scale, zero point) that put the range low <= 0 <= high, times `factor`, on the grid.

        A symmetric grid covers the greater of -low and high; the zero point of an asymmetric one
        is rounded. Arrays broadcast; an empty range has scale 1.
        """
        factor = np.asarray(factor, np.float64)
        if not self.asymmetric:
            scale = np.maximum(-low, high) * factor / self.greatest
            scale = np.where(scale > 0, scale, 1.0)
            return scale, np.zeros_like(scale)
        scale = (high - low) * factor / self.greatest
        scale = np.where(scale > 0, scale, 1.0)
        zero = np.clip(np.rint(-low * factor / scale), 0.0, self.greatest)
        return scale, zero


def grid_named(name: str) -> Grid:
    """The grid called `name`; UsageError for a name or a width that is none."""
    return grids_named((name,))[0]


def grids_named(names: Iterable[str]) -> tuple[Grid, ...]:
    """The grids called `names`; UsageError lists every name that is none, or is there twice."""
    problems, found = [], dict[str, Grid]()
    for name in names:
        grid, reason = _parsed(name)
        if grid is not None and name in found:
            grid, reason = None, f"'{name}' is given twice"
        if grid is None:
            problems.append(Problem("format", reason))
        else:
            found[name] = grid
    if problems:
        raise UsageError(problems)
    return tuple(found.values())


def _parsed(name: str) -> tuple[Grid | None, str]:
    """The grid called `name`, or why there is none."""
    if name in WITH_SPECIAL_CODES:
        return _float_grid(name, *WITH_SPECIAL_CODES[name]), ""
    integer, floating = _INTEGER.fullmatch(name), _FLOAT.fullmatch(name)
    if integer is None and floating is None:
        known = ", ".join(EXAMPLES)
        return None, f"unknown format '{name}'{nearest_name(name, EXAMPLES)}; known: {known}"
    if integer is not None:
        bits = int(integer[1])
    else:
        assert floating is not None
        exponent_bits, mantissa_bits = int(floating[1]), int(floating[2])
        bits = 1 + exponent_bits + mantissa_bits
    if not LEAST_BITS <= bits <= MOST_BITS:
        what = f"'{name}' has {bits} bits; formats of {LEAST_BITS} to {MOST_BITS} are studied"
        return None, what
    if integer is not None:
        return _integer_grid(name, bits, asymmetric=integer[2] is not None), ""
    if exponent_bits == 0:
        return None, f"'{name}' has no exponent: int{bits} is that format"
    return _float_grid(name, exponent_bits, mantissa_bits, 1, 0), ""


def _integer_grid(name: str, bits: int, asymmetric: bool) -> Grid:
    greatest = 2 ** (bits - 1) - 1
    values = np.arange(2**bits) if asymmetric else np.arange(-greatest, greatest + 1)
    return Grid(name, bits, _frozen(values.astype(np.float64)), asymmetric=asymmetric)


def _float_grid(name: str, exponent_bits: int, mantissa_bits: int, bias: int, special: int) -> Grid:
    """All magnitudes but the `special` greatest codes, and their negatives."""
    codes = np.arange(2 ** (exponent_bits + mantissa_bits) - special)
    exponent, fraction = codes >> mantissa_bits, codes % 2**mantissa_bits / 2**mantissa_bits
    least = 1 - bias
    magnitudes = np.where(
        exponent == 0, np.ldexp(fraction, least), np.ldexp(1 + fraction, exponent - bias)
    )
    values = _frozen(np.unique(np.concatenate([-magnitudes, magnitudes])))
    return Grid(name, 1 + exponent_bits + mantissa_bits, values, mantissa_bits, least)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
