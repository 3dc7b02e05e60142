"""Numbers as a reader wants them: few digits, a sensible unit, always the same width of thought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A unit to show numbers in: what one of it is in the base unit."""

    unit: str
    size: float


ENERGY_J = (Scale("J", 1.0), Scale("mJ", 1e-3), Scale("uJ", 1e-6), Scale("nJ", 1e-9))
TIME_S = (Scale("s", 1.0), Scale("ms", 1e-3), Scale("us", 1e-6), Scale("ns", 1e-9))
POWER_W = (Scale("W", 1.0), Scale("mW", 1e-3), Scale("uW", 1e-6))
BYTES = (Scale("GiB", 2.0**30), Scale("MiB", 2.0**20), Scale("KiB", 2.0**10), Scale("B", 1.0))
COUNT = (Scale("G", 1e9), Scale("M", 1e6), Scale("k", 1e3), Scale("", 1.0))
FREQUENCY_HZ = (Scale("GHz", 1e9), Scale("MHz", 1e6), Scale("kHz", 1e3), Scale("Hz", 1.0))


def scale_for(value: float, scales: tuple[Scale, ...]) -> Scale:
    """The largest unit of which `value` is at least one; the smallest if it is less than all."""
    if value == 0:
        return scales[-1]
    return next((scale for scale in scales if abs(value) >= scale.size), scales[-1])


def significant(value: float, digits: int = 3) -> str:
    """`value` to `digits` significant digits, never fewer than its integer part has.

    >>> significant(27153.2), significant(0.054306), significant(9.8344)
    ('27,153', '0.0543', '9.83')
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    places = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:,.{min(places, 9)}f}"


def shown(value: float, scales: tuple[Scale, ...], digits: int = 3) -> str:
    """`value`, in base units, with its unit.

    >>> shown(9.8344e-6, ENERGY_J), shown(524288, BYTES)
    ('9.83 uJ', '512 KiB')
    """
    scale = scale_for(value, scales)
    if scale.size == 1 and isinstance(value, int):
        return f"{value:,} {scale.unit}".rstrip()
    return f"{significant(value / scale.size, digits)} {scale.unit}".rstrip()


def decimals(values: Sequence[float], digits: int = 3) -> list[str]:
    """Numbers of one unit with equally many decimals, as many as the largest needs.

    >>> decimals([12.345, 0.04])
    ['12.3', '0.0']
    """
    largest = max((abs(value) for value in values), default=0.0)
    places = digits - 1 - math.floor(math.log10(largest)) if largest else 0
    return [f"{value:,.{min(max(places, 0), 9)}f}" for value in values]


def percent(fraction: float) -> str:
    """A fraction in percent with one decimal.

    >>> percent(0.4383)
    '43.8 %'
    """
    return f"{100 * fraction:.1f} %"


def decibels(value: float) -> str:
    """A ratio to noise in dB; without any noise it is exact.

    >>> decibels(31.74), decibels(math.inf)
    ('31.7', 'exact')
    """
    return f"{value:.1f}" if math.isfinite(value) else "exact"
