"""A function of each 16-bit element by TFLite's table of 513 entries, linear between them."""

from __future__ import annotations

import numpy as np

from npusim.numerics.wide_tables import ENTRIES, WideTable

Array = np.ndarray

_FRACTION_BITS = 7


def unary_table_513(x: Array, out: Array, p: WideTable) -> None:
    """x, out int16 of one shape."""
    out[...] = interpolated(x, p)


def interpolated(x: Array, table: WideTable) -> Array:
    """int64 values of `table` at x, integers of 16 bits: the slope and the sum wrap to int16."""
    values, place = table.values, x.astype(np.int64)
    index = (place >> _FRACTION_BITS) + ENTRIES // 2
    offset = place & ((1 << _FRACTION_BITS) - 1)
    slope = _wrapped(values[index + 1] - values[index])
    half = 1 << (_FRACTION_BITS - 1)
    return _wrapped(values[index] + ((slope * offset + half) >> _FRACTION_BITS))


def _wrapped(values: Array) -> Array:
    """Two's complement wrap to 16 bits."""
    wrapped: Array = ((values + 2**15) & 0xFFFF) - 2**15
    return wrapped
