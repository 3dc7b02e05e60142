"""The fields of a description by their dotted path: which keys there are, what each measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from npusim.errors import nearest_name
from npusim.hardware.document import Path
from npusim.hardware.quantities import Section, dimension_of
from npusim.hardware.schema import Hardware


class UnknownFieldError(ValueError):
    """A path that no description has; the message says what is there, and the nearest name."""


def known_keys(path: Path) -> tuple[str, ...]:
    """The keys that a description may have at `path`, in the order of the schema."""
    section = _section(path)
    if section is None:
        return ()
    keys = _keys(section)
    return (*keys, "extends") if section is Hardware else keys


def meaning(path: Path) -> str:
    """The first sentence about the field at `path`, in brackets; empty if there is none."""
    section = _section(path[:-1])
    if section is None:
        return ""
    for name, field in section.model_fields.items():
        if (field.alias or name) == path[-1] and field.description:
            sentence, stop, _ = " ".join(field.description.split()).partition(". ")
            return f" ({sentence}{stop.rstrip()})"
    return ""


def dimension_at(path: str) -> str | None:
    """The dimension of `npusim.units` that the field at the dotted `path` measures, if any.

    A key of a mapping (`mac_array.precisions.int8*int8`) may be any text here; only a validation
    knows which there are. UnknownFieldError if there is no such field.
    """
    section: type[Section] | None = Hardware
    parts = path.split(".")
    depth = 0
    while section is not None:
        field = _field(section, parts[depth]) if depth < len(parts) else None
        if field is None:
            raise UnknownFieldError(_unknown(path, parts[:depth], parts[depth:], section))
        depth += 2 if _is_mapping(field) and depth + 1 < len(parts) else 1
        inner = _inner(field.annotation)
        if depth == len(parts) and (inner is None or _is_mapping(field)):
            return dimension_of(field.annotation, field.metadata)
        section = inner
    raise UnknownFieldError(f"unknown field {path!r}: {'.'.join(parts[:depth])} has no keys")


def leaf_paths(section: type[Section] = Hardware, prefix: str = "") -> Iterator[str]:
    """Every dotted path of the schema that is no section of its own."""
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = None if _is_mapping(field) else _inner(field.annotation)
        if inner is None:
            yield key
        else:
            yield from leaf_paths(inner, f"{key}.")


def value_at(section: Any, path: str) -> Any:
    """What a `Hardware` has at the dotted `path`; UnknownFieldError if nothing is there."""
    value = section
    for part in path.split("."):
        if isinstance(value, Section):
            fields = type(value).model_fields.items()
            found = [name for name, field in fields if (field.alias or name) == part]
            value = getattr(value, found[0]) if found else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            raise UnknownFieldError(f"this hardware states no {path}")
    return value


def _unknown(path: str, above: list[str], rest: list[str], section: type[Section]) -> str:
    if not rest:
        return f"{path!r} is a section: give one of its fields: {', '.join(_keys(section))}"
    leaves = tuple(leaf_paths())
    ends = [leaf for leaf in leaves if leaf.endswith(f".{path}")]
    hint = f" (did you mean '{ends[0]}'?)" if len(ends) == 1 else nearest_name(path, leaves)
    inside = ".".join(above) or "a description"
    return f"unknown field {path!r}{hint}: {inside} has {', '.join(_keys(section))}"


def _keys(section: type[Section]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in section.model_fields.items())


def _field(section: type[Section], key: str) -> FieldInfo | None:
    fields = section.model_fields.items()
    return next((field for name, field in fields if (field.alias or name) == key), None)


def _is_mapping(field: FieldInfo | None) -> bool:
    return field is not None and get_origin(field.annotation) is dict


def _section(path: Path) -> type[Section] | None:
    """The section that describes what is at `path`, or None for a plain value."""
    section: type[Section] | None = Hardware
    parts = iter(path)
    for part in parts:
        if section is None:
            return None
        field = _field(section, str(part))
        section = None if field is None else _inner(field.annotation)
        if _is_mapping(field):
            next(parts, None)  # the dictionary's own key
    return section


def _inner(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_inner(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)
