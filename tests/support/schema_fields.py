"""The fields of a hardware description that hold numbers, read from the schema."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, get_origin

from npusim.hardware.quantities import LIMITS, Section, dimension_of
from npusim.hardware.schema import Hardware

WORDS = {"npusim", "name", "description", "sources", "free", "not_modelled"}


class Numeric(NamedTuple):
    """A field that holds numbers: its path, its dimension (None: plain numbers), its annotation."""

    path: str
    dimension: str | None
    annotation: str
    bounds: tuple[float, float]


def inner_section(annotation: Any) -> type[Section] | None:
    """The section that a field holds, or a mapping's values are."""
    found = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type)]
    return next((a for a in found if issubclass(a, Section)), None)


def bounds_of(field: Any) -> tuple[float, float]:
    """Lowest and highest value that the annotation of a field allows."""
    text = repr(field.metadata) + repr(field.annotation)
    least, most = -math.inf, math.inf
    for mark in ("Ge(ge=", "Gt(gt="):
        if mark in text:
            least = float(text.split(mark)[1].split(")")[0])
    if "Le(le=" in text:
        most = float(text.split("Le(le=")[1].split(")")[0])
    return least, most


def numeric_fields(section: type[Section] = Hardware, prefix: str = "") -> Iterator[Numeric]:
    """Every field of the schema that holds a number, or several."""
    for name, field in section.model_fields.items():
        path = prefix + (field.alias or name)
        inner = inner_section(field.annotation)
        text = str(field.annotation)
        if path in WORDS:
            continue
        if inner is not None and get_origin(field.annotation) is not dict:
            yield from numeric_fields(inner, f"{path}.")
            continue
        dimension = dimension_of(field.annotation, field.metadata)
        if dimension is not None:
            yield Numeric(path, dimension, text, LIMITS[dimension])
        else:
            held = str(field.annotation.__args__[1]) if text.startswith("dict[") else text
            if ("'int'" in held or "[int" in held or "float" in held) and "Literal" not in held:
                yield Numeric(path, None, text, bounds_of(field))
