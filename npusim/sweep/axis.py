"""One axis of a design space: the values of a field, or of several fields that change together.

As text: a list `16,32,64`, steps `LO:HI:+STEP`, or factors `LO:HI:xFACTOR`; both ends belong to the
range. Fields that change together are joined by `+`: each takes the value of the axis, or one item
of it where the axis has lists. Values are read as a description file has them, units included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from npusim.hardware.document import read_value
from npusim.hardware.fields import dimension_at
from npusim.units import DIMENSIONS, QuantityError, format_quantity, parse_quantity

ASSUME, MODEL = "assume", "model"
NO_FIELDS = (ASSUME, MODEL)
"""Axes that are no fields of hardware: the number format that a float model is counted in, and the
model that runs: each point has one of them."""
MOST_VALUES = 100_000
"""Values of one axis: more is a slip of the hand."""

Value = int | float | str | bool | None
_RANGE = re.compile(r"([^:,\[\]{}]+):([^:,\[\]{}]+):([+x*])([^:,\[\]{}]+)")
_APART = re.compile(r",(?![^\[{(]*[\]})])")  # commas outside of brackets


class AxisError(ValueError):
    """An axis that has no values, or none that can be read; the message says why."""


@dataclass(frozen=True)
class Axis:
    """`paths` are the fields; `given[i]` has one value a field, as a description would state it.

    `values[i]` are the same as numbers of the base unit in `units` where the field measures
    something: these are what tables show and constraints use.
    """

    paths: tuple[str, ...]
    given: tuple[tuple[Any, ...], ...]
    values: tuple[tuple[Value, ...], ...]
    units: tuple[str | None, ...]

    @property
    def name(self) -> str:
        """The fields as the command line names them."""
        return "+".join(self.paths)

    def __len__(self) -> int:
        return len(self.given)


def axis_of(name: str, spec: object) -> Axis:
    """The axis of `name` (`PATH` or `PATH+PATH`) and its values: a text, list or mapping.

    A mapping has `from`, `to`, and `step` or `factor`. AxisError or UnknownFieldError says what is
    wrong with it.
    """
    paths = tuple(part.strip() for part in name.split("+"))
    if len(set(paths)) < len(paths):
        raise AxisError(f"{name!r} names a field twice")
    dimensions = tuple(None if path in NO_FIELDS else dimension_at(path) for path in paths)
    rows = [_row(item, len(paths)) for item in _listed(spec, dimensions)]
    values = tuple(tuple(map(_value, row, dimensions)) for row in rows)
    repeated = next((row for row in values if values.count(row) > 1), None) if (
        len(set(map(repr, values))) < len(values)
    ) else None  # fmt: skip
    if repeated is not None:
        raise AxisError(f"the value {', '.join(map(str, repeated))} is there twice")
    units = tuple(None if kind is None else DIMENSIONS[kind].base for kind in dimensions)
    return Axis(paths, tuple(rows), values, units)


def split_vary(text: str) -> tuple[str, str]:
    """Name and values of `PATH=VALUES`; AxisError if it is not such a text."""
    name, equals, spec = text.partition("=")
    if not (name.strip() and equals and spec.strip()):
        raise AxisError("expected PATH=VALUES, for example mac_array.rows=16,32,64")
    return name.strip(), spec.strip()


def _listed(spec: object, dimensions: Sequence[str | None]) -> list[Any]:
    """The values that `spec` lists, as a description would state them."""
    if isinstance(spec, str):
        match = _RANGE.fullmatch(spec)
        found = _range(match.groups(), dimensions) if match else _apart(spec)
    elif isinstance(spec, Mapping):
        found = _range(_ends(spec), dimensions)
    elif isinstance(spec, Sequence):
        found = [_read(item) if isinstance(item, str) else item for item in spec]
    else:
        found = [spec]
    if not found:
        raise AxisError("there are no values")
    if len(found) > MOST_VALUES:
        raise AxisError(f"{len(found)} values are more than {MOST_VALUES}")
    return found


def _ends(spec: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    kinds = {"step": "+", "factor": "x"}
    kind = next((key for key in kinds if key in spec), None)
    if kind is None or set(spec) != {"from", "to", kind}:
        raise AxisError("a range has the keys from, to, and step or factor")
    return str(spec["from"]), str(spec["to"]), kinds[kind], str(spec[kind])


def _apart(spec: str) -> list[Any]:
    parts = [part.strip() for part in _APART.split(spec)]
    if any(":" in part and not re.search(r"[\[{'\"]", part) for part in parts):
        raise AxisError(f"{spec!r} is no range: expected LO:HI:+STEP or LO:HI:xFACTOR")
    if not all(parts):
        raise AxisError(f"{spec!r} has an empty value")
    return [_read(part) for part in parts]


def _read(text: str) -> Any:
    value, problems = read_value(text, "")
    if problems:
        raise AxisError(f"{text!r}: {problems[0].what}")
    return value


def _range(parts: Sequence[str], dimensions: Sequence[str | None]) -> list[Any]:
    low, high, kind, step = (part.strip() for part in parts)
    dimension = dimensions[0]
    if any(other != dimension for other in dimensions):
        raise AxisError("fields that take one range must measure the same")
    first, last = _exact(low, dimension), _exact(high, dimension)
    by = _exact(step, dimension if kind == "+" else None)
    if first > last:
        raise AxisError(f"the range is empty: {low} is more than {high}")
    if by <= (0 if kind == "+" else 1) or (kind != "+" and first <= 0):
        least = "a step above 0" if kind == "+" else "a factor above 1, and a start above 0"
        raise AxisError(f"the range never ends: it needs {least}")
    found: list[Any] = []
    value = first
    while value <= last and len(found) <= MOST_VALUES:
        found.append(_stated(value, dimension))
        value = value + by if kind == "+" else value * by
    return found


def _exact(text: str, dimension: str | None) -> Fraction:
    try:
        return Fraction(text if dimension is None else parse_quantity(text, dimension))
    except QuantityError as error:
        raise AxisError(str(error)) from None
    except (ValueError, ZeroDivisionError):
        raise AxisError(f"{text!r} is not a number") from None


def _stated(value: Fraction, dimension: str | None) -> int | float | str:
    whole = value.denominator == 1
    if dimension is None:
        return int(value) if whole else float(value)
    if DIMENSIONS[dimension].whole:
        if not whole:
            base = DIMENSIONS[dimension].base
            raise AxisError(f"{float(value):g} is not a whole number of {base}")
        return format_quantity(int(value), dimension)
    return format_quantity(float(value), dimension)


def _row(item: Any, fields: int) -> tuple[Any, ...]:
    if fields > 1 and isinstance(item, Sequence) and not isinstance(item, str):
        if len(item) != fields:
            raise AxisError(f"{list(item)} should have one value for each of {fields} fields")
        return tuple(item)
    return (item,) * fields


def _value(given: Any, dimension: str | None) -> Value:
    """What a table shows: the number in base units, or what was given, lists as text."""
    if dimension is not None and isinstance(given, str):
        try:
            return parse_quantity(given, dimension)
        except QuantityError as error:
            raise AxisError(str(error)) from None
    return given if given is None or isinstance(given, int | float | str) else _text(given)


def _text(given: Any) -> str:
    return "[" + ", ".join(_items(given)) + "]" if isinstance(given, Sequence) else str(given)


def _items(given: Sequence[Any]) -> Iterator[str]:
    return (str(item) for item in given)
