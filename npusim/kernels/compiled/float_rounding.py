"""One rounding of float64 numbers, for Numba: see `npusim.numerics.float_sums` and `floats`."""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.numerics.floats import LAYOUTS
from npusim.numerics.formats import Format

Limits = tuple[float, float, float, float, int]
"""Least normal and greatest number, what is stored beyond, what is flushed below, and how far the
exponent of a number is from that of a float64 whose last bit is the number's last kept one."""

EXPONENT = 0x7FF0000000000000
"""The exponent bits of a float64."""


def limits_of(fmt: Format, saturates: bool, flushes: bool) -> Limits:
    """What `stored` needs to know."""
    layout = LAYOUTS[fmt.name]
    return (
        layout.least_normal, layout.greatest, layout.greatest if saturates else np.inf,
        layout.least_normal if flushes else 0.0, (52 - layout.mantissa_bits) << 52,
    )  # fmt: skip


@compiled
def stored(value: float, limits: Limits) -> float:
    """`value` rounded to the format: a large number leaves no other bits in a sum with it."""
    least, greatest, beyond, flushed_below, shift = limits
    size = abs(value)
    scale = max(np.float64(size).view(np.int64), np.float64(least).view(np.int64)) & EXPONENT
    large = np.int64(scale + shift).view(np.float64)
    near = float((size + large) - large)
    near = beyond if near > greatest else near
    near = 0.0 if near < flushed_below else near
    return float(np.copysign(near, value))


@compiled
def odd_sum(a: float, b: float) -> float:
    """a + b rounded to odd."""
    total = a + b
    back = total - a
    error = (a - (total - back)) + (b - back)
    inexact = np.int64(error < 0) | np.int64(error > 0)
    inward = inexact & np.int64((error < 0) != (total < 0))
    return float(np.int64((np.float64(total).view(np.int64) - inward) | inexact).view(np.float64))
