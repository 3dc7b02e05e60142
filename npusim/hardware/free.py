"""Free parameters: numbers that nobody published, each with a range and the reason.

A description must not invent a number. What it needs and nobody says, it declares:

    output_stage: {rate: 4 elements/cycle}  # [free]
    free:
      output_stage.rate: {range: [1 elements/cycle, 16 elements/cycle], why: not published}

The value in the file is where a simulation starts; the range is what a calibration may choose
from. Whoever states the value in a layer above (`extends`, `--set`) ends the freedom, unless that
line cites `[free]` again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from npusim.errors import nearest_name
from npusim.hardware.document import FREE
from npusim.hardware.mac_array import Precision
from npusim.hardware.memory import Latency
from npusim.hardware.quantities import Listed, Section, dimension_of
from npusim.units import format_quantity

Stated = str | int | float


class FreeRange(Section):
    """Between what a number that nobody published may lie."""

    range: Annotated[tuple[Stated, Stated], Listed]
    """Lowest and highest value, in the units of the field itself."""
    why: str = Field(min_length=1)
    """Why it is free, and where the range comes from."""

    @property
    def text(self) -> str:
        """The range as the description writes it."""
        return f"{self.range[0]} to {self.range[1]}"


@dataclass(frozen=True)
class FreeParameter:
    """One free parameter: dotted path, and value and range as numbers of the field's base unit.

    `range_text` is the range as the description writes it.
    """

    path: str
    value: float
    low: float
    high: float
    why: str
    dimension: str | None
    range_text: str

    def text(self, value: float) -> str:
        """`value` as a description or `--set` would write it."""
        return str(value) if self.dimension is None else format_quantity(value, self.dimension)


def parameters(root: Section, declared: Mapping[str, FreeRange]) -> Iterator[FreeParameter]:
    """The free parameters that `declared` names below `root`, which accepted them before."""
    for path, free in declared.items():
        leaf = _leaf(root, path)
        value, low, high = (_number(item) for item in (leaf.value, *leaf.ends(free)))
        dimension = value[1] or leaf.dimension
        yield FreeParameter(path, value[0], low[0], high[0], free.why, dimension, free.text)


def mistakes(
    root: Section, declared: Mapping[str, FreeRange]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with `declared`: places below `root`, and words."""
    for path, free in declared.items():
        here = (FREE, path)
        try:
            leaf = _leaf(root, path)
        except _UnknownPathError as error:
            yield (*here, "[key]"), str(error)
            continue
        try:
            ends = leaf.ends(free)
        except ValueError as error:
            yield (*here, "range"), f"the range does not fit {path}: {error}"
            continue
        text = _disorder(leaf, path, free, [_number(item) for item in (leaf.value, *ends)])
        if text:
            yield (*here, "range"), text


def _disorder(
    leaf: _Leaf, path: str, free: FreeRange, numbers: list[tuple[float, str | None]]
) -> str:
    """Why value, low and high do not stand in order; empty if they do."""
    (value, kind), (low, low_kind), (high, high_kind) = numbers
    if not kind == low_kind == high_kind:
        unit = "cycles" if kind == "cycles" else "seconds"
        return f"the range {free.text} is not in {unit} as {path} is: state both ends so"
    if low >= high:
        return f"the range {free.text} is empty: state the lower end first"
    if not low <= value <= high:
        dimension = kind or leaf.dimension
        text = f"{value:g}" if dimension is None else format_quantity(value, dimension)
        return f"{path} = {text} lies outside of its range {free.text}"
    return ""


class _UnknownPathError(ValueError):
    pass


@dataclass(frozen=True)
class _Leaf:
    """One number of a description, with the type of its field."""

    value: Any
    kind: Any

    @property
    def dimension(self) -> str | None:
        """What the type of the field measures."""
        return dimension_of(self.kind)

    def ends(self, free: FreeRange) -> tuple[Any, Any]:
        """Both ends of the range as the field reads them; ValueError says why it cannot."""
        low, high = (self._end(text) for text in free.range)
        return low, high

    def _end(self, text: Stated) -> Any:
        try:
            return _parsed(self.kind, text)
        except ValidationError as error:
            first = error.errors()[0]
            reason = first.get("ctx", {}).get("error", first["msg"])
            raise ValueError(f"{text!r}: {reason}") from None


def _leaf(root: Section, path: str) -> _Leaf:
    """The number at `path`; _UnknownPathError with the nearest name if there is none."""
    value: Any = root
    kind: Any = type(root)
    parts = path.split(".")
    for depth, part in enumerate(parts):
        known = _keys(value)
        if part not in known:
            inside = ".".join(parts[:depth]) or "a description"
            has = f"{inside} has {', '.join(known)}" if known else f"{inside} has nothing below it"
            hint = nearest_name(part, tuple(known))
            raise _UnknownPathError(f"there is no {path!r} to be free{hint}: {has}")
        value, kind = _below(value, kind, part)
    try:
        _number(value)
    except TypeError:
        what = f"{path!r} is not a number that this description sets: state it, within its range"
        raise _UnknownPathError(what) from None
    return _Leaf(value, kind)


def _keys(value: object) -> Collection[str]:
    if isinstance(value, Section):
        return _fields(type(value)).keys()
    return tuple(map(str, value)) if isinstance(value, dict) else ()


def _below(value: Any, kind: Any, part: str) -> tuple[Any, Any]:
    """Value and type of what `part` names in a section or a mapping."""
    if isinstance(value, dict):
        kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        return value[part], get_args(kind)[1]
    section: type[Section] = type(value)
    name, kind = _fields(section)[part]
    return getattr(value, name), kind


@lru_cache(maxsize=256)
def _fields(section: type[Section]) -> dict[str, tuple[str, Any]]:
    """For each key of a section the name and the type of its field."""
    return {
        field.alias or name: (
            name,
            Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation,
        )
        for name, field in section.model_fields.items()
    }


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True))


@lru_cache(maxsize=1024, typed=True)
def _parsed(kind: Any, text: Stated) -> Any:
    """What a field of type `kind` reads `text` as; pydantic's ValidationError if it can't."""
    return _adapter(kind).validate_python(text)


def _number(value: object) -> tuple[float, str | None]:
    """A field's value as a number, with its dimension where the type of the field leaves two."""
    if isinstance(value, Latency):
        if value.cycles is not None:
            return value.cycles, "cycles"
        return value.seconds or 0.0, "time"
    if isinstance(value, Precision):
        value = value.rate
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value, None
