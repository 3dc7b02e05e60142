"""Field types of the hardware description: a text with a unit in the file, a number in Python.

Each type parses with `npusim.units` and checks its sign, and tells the JSON Schema that an editor
should offer a string such as `256 KiB`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from npusim.units import DIMENSIONS, format_quantity, parse_quantity


class Section(BaseModel):
    """Base of every part of a description: frozen, no unknown keys, no silent type conversion."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


def refuse(*problems: tuple[str | tuple[str, ...], str]) -> PydanticCustomError:
    """The error of a check across fields: (dotted key below this section, message) pairs.

    A key that has dots of its own comes as a tuple of keys.
    """
    text = "; ".join(message for _, message in problems)
    return PydanticCustomError("cross_check", "{text}", {"text": text, "problems": problems})


def as_tuple(value: object) -> object:
    """A YAML list as the tuple that the frozen models hold; anything else is left to pydantic."""
    return tuple(value) if isinstance(value, list) else value


Listed = BeforeValidator(as_tuple)
"""Marks a tuple field that a description writes as a list."""

Count = Annotated[int, Field(ge=1, le=2**30)]
Side = Annotated[int, Field(ge=1, le=2**16)]
"""Units side by side along one side of an array."""
PositiveNumber = Annotated[float, Field(ge=1e-6, le=1e6)]

LIMITS: dict[str, tuple[float, float]] = {
    "bytes": (1, 2**40),
    "frequency": (1.0, 1e12),
    "bytes_per_cycle": (1e-6, 1e9),
    "elements_per_cycle": (1e-6, 1e9),
    "weights_per_cycle": (1e-6, 1e9),
    "bytes_per_second": (1.0, 1e15),
    "cycles": (0, 10**12),
    "time": (0.0, 1e3),
    "length": (1e-10, 1e-3),
    "flops": (1e6, 1e18),
    "power": (0.0, 1e6),
    "energy": (0.0, 1e9),
    "energy_per_byte": (0.0, 1e9),
    "area": (1e-6, 1e6),
}
"""Lowest and highest value of each dimension, in its base unit: decades beyond any chip, and such
that no count of cycles or bytes leaves 64 bits. A value outside is a slip of the pen."""


def _parser(dimension: str, minimum: str) -> Callable[[object], int | float]:
    least, most = LIMITS[dimension]

    def parse(text: object) -> int | float:
        value = parse_quantity(text, dimension)
        if value < 0 or (minimum == "positive" and value == 0):
            raise ValueError(f"{text!r} is out of range: it must be {minimum}")
        if not least <= value <= most:
            bound = ("at least", least) if value < least else ("at most", most)
            shown = format_quantity(bound[1], dimension)
            raise ValueError(f"{text!r} is out of range: it must be {bound[0]} {shown}")
        return value

    return parse


@dataclass(frozen=True)
class Measures:
    """Marks a field with the dimension of `npusim.units` that it holds."""

    dimension: str


def dimension_of(annotation: Any, metadata: Sequence[Any] = ()) -> str | None:
    """The dimension that a field's type is marked with, at any depth of its annotation."""
    for mark in (*metadata, *getattr(annotation, "__metadata__", ())):
        if isinstance(mark, Measures):
            return mark.dimension
    inner = (dimension_of(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)


def quantity(
    dimension: str, minimum: str = "positive"
) -> tuple[BeforeValidator, WithJsonSchema, Measures]:
    """Validator, schema and mark of a quantity; `minimum` is `positive` or `zero or more`."""
    kind = DIMENSIONS[dimension]
    units = "|".join(unit.replace("/", r"\/") for unit in kind.units)
    schema: dict[str, Any] = {
        "type": "string",
        "pattern": rf"^\s*\+?[0-9.]+([eE][+-]?[0-9]+)?\s*({units})\s*$",
        "examples": [kind.example],
    }
    return BeforeValidator(_parser(dimension, minimum)), WithJsonSchema(schema), Measures(dimension)


SizeBytes = Annotated[int, *quantity("bytes")]
FrequencyHz = Annotated[float, *quantity("frequency")]
BytesPerCycle = Annotated[float, *quantity("bytes_per_cycle")]
BytesPerSecond = Annotated[float, *quantity("bytes_per_second")]
ElementsPerCycle = Annotated[float, *quantity("elements_per_cycle")]
WeightsPerCycle = Annotated[float, *quantity("weights_per_cycle")]
Cycles = Annotated[int, *quantity("cycles", "zero or more")]
Seconds = Annotated[float, *quantity("time", "zero or more")]
LengthM = Annotated[float, *quantity("length")]
FlopsPerSecond = Annotated[float, *quantity("flops")]
PowerW = Annotated[float, *quantity("power", "zero or more")]
EnergyPj = Annotated[float, *quantity("energy", "zero or more")]
EnergyPjPerByte = Annotated[float, *quantity("energy_per_byte", "zero or more")]
AreaMm2 = Annotated[float, *quantity("area")]
