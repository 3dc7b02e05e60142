"""Tables of 513 entries for functions of one 16-bit number, linear between entries (TFLite).

Entry i stands for the 128 inputs from -32768 + 128 i on. It is the function there in steps of the
output, less half of what the straight line to the next entry is too high in the middle; all in the
precision of the table (float32, in softmax float64). Source: `LUTPopulateInt16` of LiteRT 2.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.functions import C_LIBRARY
from npusim.numerics.quantization import Quantization

Array = np.ndarray

ENTRIES = 512
"""Intervals; one more entry ends the last."""
_LOW, _HIGH = -(2**15), 2**15 - 1
_LOWEST, _HIGHEST = np.float32(-np.inf), np.float32(np.inf)


class WideTable(NamedTuple):
    """The entries as the bytes of an int16 array, so that tables can be compared."""

    entries: bytes

    @property
    def values(self) -> Array:
        """int64 [513]."""
        return np.frombuffer(self.entries, np.int16).astype(np.int64)


def table_of(
    function: Callable[[Array], Array], x_scale: np.floating[Any], x_zero: int,
    y_scale: np.floating[Any],
) -> WideTable:  # fmt: skip
    """The table of `function` from one scale to the other, both of one floating-point type.

    Infinities stand for the ends of the output. ValueError where an entry is no number.
    """
    real = type(x_scale)
    first, last = (x_scale * real(end - x_zero) for end in (_LOW, _HIGH))
    low, high = y_scale * real(_LOW), y_scale * real(_HIGH)
    step = (last - first) / real(ENTRIES)
    steps_per_unit = real(2**16) / (high - low)

    def steps(places: Array) -> Array:
        values = function(places)
        ends = np.where(values == _HIGHEST, high, np.where(values == _LOWEST, low, values))
        return np.asarray(ends * steps_per_unit)

    places = first + np.arange(ENTRIES + 1, dtype=real) * step
    with np.errstate(all="ignore"):
        here = steps(places)
        sample = _half_away(here[:-1])
        between = _half_away((here[1:] + sample) / real(2))
        excess = between - _half_away(steps(places[:-1] + step / real(2)))
        end = _half_away(steps(np.array([last], real)))
        entries = np.append(sample - _half_away(excess / real(2)), end)
    if not np.isfinite(entries).all():
        raise ValueError("the function is no number in a part of the inputs' range")
    return WideTable(np.clip(entries, _LOW, _HIGH).astype(np.int16).tobytes())


def wide_table(
    kind: str, attributes: tuple[Any, ...], x: Quantization, y: Quantization
) -> WideTable:
    """The table of the function `kind`; UnsupportedModelError where it has no values."""
    function = WIDE_FUNCTIONS[kind]
    largest = np.abs(x.scalar_scale * np.float32(_LOW))
    try:
        if kind == "exp" and not np.isfinite(function(largest)):
            raise ValueError("exp of the greatest input is beyond float32")
        return table_of(
            lambda values: function(values, *attributes), x.scalar_scale, 0, y.scalar_scale
        )
    except ValueError as error:
        raise UnsupportedModelError(Problem(kind, f"{kind} of int16: {error}")) from None


def _half_away(values: Array) -> Array:
    """Nearest integers, ties away from zero, as reals."""
    return np.asarray(np.trunc(values + np.copysign(values.dtype.type(0.5), values)))


def _log(x: Array) -> Array:
    """The lowest output where there is no logarithm."""
    return np.where(x > 0, C_LIBRARY["log"](np.where(x > 0, x, np.float32(1))), _LOWEST)


def _rsqrt(x: Array) -> Array:
    """The highest output where there is no inverse root."""
    return np.where(x > 0, C_LIBRARY["rsqrt"](np.where(x > 0, x, np.float32(1))), _HIGHEST)


WIDE_FUNCTIONS: Mapping[str, Callable[..., Array]] = {
    "exp": C_LIBRARY["exp"],
    "gelu": C_LIBRARY["gelu"],
    "log": _log,
    "rsqrt": _rsqrt,
}
"""The functions that TFLite has such tables for."""
