"""Quantities with units: the text of a description file to numbers, and back.

A description writes the unit in the value (`256 KiB`, `1 GHz`, `64 B/cycle`); inside npusim there
are only integers and floats, in the base unit of their dimension, and the attribute's name says
which one. Powers of 1024 (KiB) and of 1000 (kB) are told apart. Numbers are read exactly (as
fractions), so `51.2 GB/s` is the float nearest to 51.2e9 and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from npusim.errors import nearest_name

_NUMBER = re.compile(
    r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?)\s*(.*?)\s*", re.DOTALL
)
_LONGEST_TEXT = 64  # a quantity is short; longer text is refused before any arithmetic


@dataclass(frozen=True)
class Dimension:
    """What a quantity measures: its units as multiples of the base unit, and how to show it.

    `whole` says that the value is an integer number of base units; `shown` lists the units that
    `format_quantity` uses, largest first.
    """

    name: str
    base: str
    units: Mapping[str, Fraction]
    shown: tuple[str, ...]
    example: str
    whole: bool = False


def _scaled(base: str, prefixes: str, tail: str = "") -> dict[str, Fraction]:
    powers = {"p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
    chosen = ["" if prefix == "-" else prefix for prefix in prefixes]
    return {f"{prefix}{base}{tail}": Fraction(10) ** powers[prefix] for prefix in chosen}


_DECIMAL_BYTES = {"B": Fraction(1), **_scaled("B", "kMG")}
_BINARY_BYTES = {"KiB": Fraction(1 << 10), "MiB": Fraction(1 << 20), "GiB": Fraction(1 << 30)}
_BYTES = {**_DECIMAL_BYTES, **_BINARY_BYTES}
_PER_BYTE = {"pJ/B": Fraction(1), "nJ/B": Fraction(1000)}
_PER_BIT = {"pJ/bit": Fraction(1), "nJ/bit": Fraction(1000)}

_TABLE = (
    Dimension("bytes", "B", _BYTES, ("GiB", "MiB", "KiB", "B"), "256 KiB", whole=True),
    Dimension("frequency", "Hz", _scaled("Hz", "GMk-"), ("GHz", "MHz", "kHz", "Hz"), "500 MHz"),
    Dimension("bytes_per_cycle", "B/cycle", {"B/cycle": Fraction(1)}, ("B/cycle",), "64 B/cycle"),
    Dimension(
        "elements_per_cycle",
        "elements/cycle",
        {"elements/cycle": Fraction(1), "element/cycle": Fraction(1)},
        ("elements/cycle",),
        "32 elements/cycle",
    ),
    Dimension(
        "weights_per_cycle",
        "weights/cycle",
        {"weights/cycle": Fraction(1), "weight/cycle": Fraction(1)},
        ("weights/cycle",),
        "8 weights/cycle",
    ),
    Dimension(
        "bytes_per_second",
        "B/s",
        {f"{unit}/s": scale for unit, scale in _BYTES.items()},
        ("GB/s", "MB/s", "kB/s", "B/s"),
        "51.2 GB/s",
    ),
    Dimension(
        "cycles",
        "cycles",
        {"cycles": Fraction(1), "cycle": Fraction(1)},
        ("cycles",),
        "100 cycles",
        whole=True,
    ),
    Dimension("time", "s", _scaled("s", "-munp"), ("s", "ms", "us", "ns", "ps"), "10 us"),
    Dimension("length", "m", _scaled("m", "mun"), ("mm", "um", "nm"), "16 nm"),
    Dimension(
        "flops",
        "FLOP/s",
        _scaled("FLOP", "TGMk-", "/s"),
        ("TFLOP/s", "GFLOP/s", "MFLOP/s", "kFLOP/s", "FLOP/s"),
        "2 GFLOP/s",
    ),
    Dimension("power", "W", _scaled("W", "-mun"), ("W", "mW", "uW", "nW"), "20 mW"),
    Dimension(
        "energy",
        "pJ",
        {"pJ": Fraction(1), "nJ": Fraction(10) ** 3, "uJ": Fraction(10) ** 6},
        ("uJ", "nJ", "pJ"),
        "0.16 pJ",
    ),
    Dimension(
        "energy_per_byte",
        "pJ/B",
        {**_PER_BYTE, **{unit: 8 * scale for unit, scale in _PER_BIT.items()}},
        ("nJ/B", "pJ/B"),
        "1.5 pJ/B",
    ),
    Dimension("energy_per_bit", "pJ/bit", _PER_BIT, ("nJ/bit", "pJ/bit"), "6 pJ/bit"),
    Dimension(
        "area",
        "mm2",
        {"mm2": Fraction(1), "um2": Fraction(1, 10**6)},
        ("mm2", "um2"),
        "1.2 mm2",
    ),
)

DIMENSIONS: Mapping[str, Dimension] = {dimension.name: dimension for dimension in _TABLE}
"""Every dimension by name. Values are in `Dimension.base`: B, Hz, s, m, W, ... and pJ, mm2."""


class QuantityError(ValueError):
    """A text that is not a quantity of the dimension asked for; the message says what would be."""


def parse_quantity(text: object, dimension: str) -> int | float:
    """The value of `text` in the base unit of `dimension` (an int where the dimension is whole).

    >>> parse_quantity("256 KiB", "bytes"), parse_quantity("51.2 GB/s", "bytes_per_second")
    (262144, 51200000000.0)
    """
    kind = DIMENSIONS[dimension]
    if not isinstance(text, str):
        lacks = "has no unit" if isinstance(text, int | float) else "is not a quantity"
        raise QuantityError(f"{text!r} {lacks}: {_expected(kind)}")
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise QuantityError(f"{_shortened(text)} is not a number and a unit: {_expected(kind)}")
    number, unit = match.groups()
    if not unit:
        raise QuantityError(f"{text!r} has no unit: {_expected(kind)}")
    if unit not in kind.units:
        same_letters = [known for known in kind.units if known.lower() == unit.lower()]
        hint = nearest_name(unit, same_letters or tuple(kind.units))
        raise QuantityError(f"unknown unit {unit!r} in {text!r}{hint}: {_expected(kind)}")
    value = Fraction(number) * kind.units[unit]
    if not kind.whole:
        return float(value)
    if value.denominator != 1:
        raise QuantityError(f"{text!r} is not a whole number of {kind.base}")
    return int(value)


def format_quantity(value: int | float, dimension: str) -> str:
    """`value`, given in the base unit, as text that `parse_quantity` reads back to the same value.

    >>> format_quantity(524288, "bytes"), format_quantity(5e8, "frequency")
    ('512 KiB', '500 MHz')
    """
    kind = DIMENSIONS[dimension]
    exact = Decimal(repr(value))
    for unit in kind.shown[:-1]:
        scale = kind.units[unit]
        if abs(Fraction(exact)) < scale or (kind.whole and Fraction(exact) % scale):
            continue
        return f"{_plain(Fraction(exact) / scale)} {unit}"
    unit = kind.shown[-1]
    return f"{_plain(Fraction(exact) / kind.units[unit])} {unit}"


def _plain(value: Fraction) -> str:
    """A fraction whose denominator is a power of ten or two, as a decimal without loss."""
    number = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{number.normalize():f}"
    return text if len(text) <= 24 else f"{number.normalize():e}"


def _expected(kind: Dimension) -> str:
    return f"expected a number with one of {', '.join(kind.units)}, for example '{kind.example}'"


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "...")
