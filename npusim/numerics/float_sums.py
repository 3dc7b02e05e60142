"""Sums of floating-point numbers that are rounded once: what an adder with a wide inside gives.

A product of two float32 is exact in float64 (48 significant bits, exponents from -298 to 256), so
is a number of any format here. The float64 sum of two such numbers may be inexact. It is rounded to
odd: Knuth's TwoSum gives the error of the sum exactly; an inexact sum whose last bit is even moves
by one unit towards the exact one. A float64 that was rounded to odd rounds to p <= 51 bits as the
exact number does (Boldo and Melquiond, Emulation of FMA and correctly rounded sums: proved
algorithms using rounding to odd, 2008). p is 11, 8 and 24 for fp16, bf16 and fp32, less in their
subnormals; no sum of theirs leaves the normal range of float64 unless it is exact.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.accumulation import Accumulation
from npusim.numerics.floats import flushed, rounded

Array = np.ndarray


def odd_sum(a: Array, b: Array) -> Array:
    """float64 a + b, rounded to odd; infinities, NaN and signs of zeros as IEEE 754 adds."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = a + b
        back = total - a
        error = (a - (total - back)) + (b - back)
    finite = np.isfinite(total)
    even = (total.view(np.int64) & 1) == 0
    moved = np.nextafter(total, np.copysign(np.inf, error))
    odd: Array = np.where(finite & (error != 0) & even, moved, total)
    return odd


def stored_sum(values: Array, accumulation: Accumulation) -> Array:
    """float64 `values` as results of an operation in `accumulation.format`, as float64.

    Rounded, and, where subnormals are flushed, a zero of its sign for what is subnormal after that.
    """
    saturates = accumulation.on_overflow == "saturate"
    result = rounded(values, accumulation.format, saturates)
    flushes = accumulation.subnormals == "flush"
    return flushed(result, accumulation.format) if flushes else result


def add(a: Array, b: Array, accumulation: Accumulation) -> Array:
    """The sum of exact float64 numbers as an adder of `accumulation` gives it, as float64."""
    return stored_sum(odd_sum(a, b), accumulation)
