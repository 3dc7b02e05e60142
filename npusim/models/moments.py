"""How large the values of a tensor are expected to be, from which its scale is chosen.

A synthetic network has no data to calibrate on. Instead each tensor carries the mean and the
standard deviation that follow from those before it: weights are independent of their inputs and
have mean 0, so a sum of n products has the variance n E[w^2] E[x^2] (the argument of He et al.,
"Delving Deep into Rectifiers", 2015); an element-wise function is integrated over a normal
distribution.
Tensors that are added or multiplied count as independent. All figures are rounded to a few digits,
so that no difference in the last bit of a platform's `exp` can change a scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from npusim.numerics.quantization import Quantization

Function = Callable[[np.ndarray], np.ndarray]

REACH = 4.0
"""Standard deviations each side of the mean that a scale covers; a normal value leaves them once
in 16,000 times."""

LEVELS = 255
LOWEST = -128
DIGITS = 6

_POINTS = np.linspace(-REACH, REACH, 513)
_DENSITY = np.exp(-(_POINTS**2) / 2)
_DENSITY /= _DENSITY.sum()


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of the elements, and the bounds that the scale covers."""

    mean: float
    std: float
    low: float
    high: float

    @property
    def square(self) -> float:
        """Mean of the squares."""
        return self.mean**2 + self.std**2

    def quantization(self) -> Quantization:
        """int8 with a zero point, over the bounds and 0."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        scale = (high - low) / LEVELS
        return Quantization.per_tensor(scale, LOWEST - round(low / scale))


def normal(mean: float, std: float) -> Moments:
    """Normally distributed values."""
    return _rounded(mean, std, mean - REACH * std, mean + REACH * std)


def applied(function: Function, x: Moments) -> Moments:
    """`function` of normal values with the moments of `x`, within the bounds of `x`."""
    points = np.clip(x.mean + x.std * _POINTS, x.low, x.high)
    values = function(points)
    mean = float(_DENSITY @ values)
    std = sqrt(max(0.0, float(_DENSITY @ values**2) - mean**2))
    return _rounded(mean, std, float(values.min()), float(values.max()))


def added(x: Moments, y: Moments) -> Moments:
    """The sum of independent values."""
    return _within(x.mean + y.mean, sqrt(x.std**2 + y.std**2), x.low + y.low, x.high + y.high)


def multiplied(x: Moments, y: Moments) -> Moments:
    """The product of independent values."""
    mean = x.mean * y.mean
    std = sqrt(max(0.0, x.square * y.square - mean**2))
    corners = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    return _within(mean, std, min(corners), max(corners))


def joined(parts: Sequence[Moments]) -> Moments:
    """Values of several tensors side by side, each weighing the same."""
    mean = sum(part.mean for part in parts) / len(parts)
    square = sum(part.square for part in parts) / len(parts)
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return _rounded(mean, sqrt(max(0.0, square - mean**2)), low, high)


def _within(mean: float, std: float, low: float, high: float) -> Moments:
    """Bounds that are possible, and no farther than the reach."""
    return _rounded(mean, std, max(low, mean - REACH * std), min(high, mean + REACH * std))


def _rounded(mean: float, std: float, low: float, high: float) -> Moments:
    return Moments(*(round(value, DIGITS) for value in (mean, std, low, high)))
