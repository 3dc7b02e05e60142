"""Ratios of scales, in float32, as fixed-point factors; refused where float32 has no number."""

from __future__ import annotations

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.numerics.requantize import quantize_multiplier

Number = float | np.float32


def quotient(kind: str, dividend: Number, *divisors: Number) -> np.float32:
    """`dividend` over the divisors in turn; UnsupportedModelError, naming `kind`, on overflow."""
    with np.errstate(all="ignore"):
        result = np.float32(dividend)
        for divisor in divisors:
            result = np.float32(result / np.float32(divisor))
    if not np.isfinite(result):
        what = f"the scales of {kind} give a factor beyond float32"
        raise UnsupportedModelError(Problem(kind, what))
    return result


def product(kind: str, *factors: Number) -> np.float32:
    """The product of all factors, each step in float32."""
    with np.errstate(all="ignore"):
        result = np.float32(1.0)
        for factor in factors:
            result = np.float32(result * np.float32(factor))
    return quotient(kind, result)


def fixed_point(real: Number) -> tuple[int, int]:
    """A finite factor of at least 0 as multiplier Q0.31 and shift (positive = left)."""
    multiplier, shift = quantize_multiplier(float(real))
    return int(multiplier), int(shift)
