"""Random hardware: every preset, with a few fields of its description moved.

Fields come from the schema, so that a new one is drawn without a line here. What the loader refuses
is left out.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from hypothesis import assume
from hypothesis import strategies as st

from npusim.errors import DescriptionError
from npusim.hardware.loader import load_hardware
from npusim.hardware.presets import preset_names
from npusim.hardware.quantities import Section, dimension_of
from npusim.hardware.schema import Hardware
from npusim.units import format_quantity
from tests.support.schema_fields import WORDS

FACTORS = (0.125, 0.25, 0.5, 2, 3)
_COSTS_NO_CYCLE = {"technology", "requantize", "host"}


def movable(hardware: Hardware) -> dict[str, list[object]]:
    """Path of each field that has a value to move, with its other values as a file has them."""
    found: dict[str, list[object]] = {}
    _of_section(hardware, "", found)
    return found


def _of_section(section: Section, prefix: str, found: dict[str, list[object]]) -> None:
    for name, field in type(section).model_fields.items():
        path = prefix + (field.alias or name)
        value: Any = getattr(section, name)
        if path in WORDS | _COSTS_NO_CYCLE:
            continue
        if isinstance(value, Section):
            _of_section(value, f"{path}.", found)
            continue
        choices = _others(value, field.annotation, dimension_of(field.annotation, field.metadata))
        if choices:
            found[path] = choices


def _others(value: Any, annotation: Any, dimension: str | None) -> list[object]:
    if get_origin(annotation) is Literal:
        return [other for other in get_args(annotation) if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        moved = [value * factor for factor in FACTORS] if value else [1, 20]
        if isinstance(value, int):
            moved = sorted({round(number) for number in moved} - {value})
        if dimension is None:
            return [number for number in moved if number]
        return [format_quantity(number, dimension) for number in moved]
    return []


@st.composite
def moved_presets(draw: st.DrawFn) -> Hardware:
    """A preset with an SRAM of any size and up to four other fields moved."""
    name = draw(st.sampled_from(preset_names()))
    fields = movable(load_hardware(name))
    paths = draw(st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True))
    overrides = {path: draw(st.sampled_from(fields[path])) for path in paths}
    if draw(st.booleans()):
        overrides |= {
            "memory.sram.size": draw(st.sampled_from(["4 KiB", "16 KiB", "64 KiB"])),
            "memory.sram.banks": 1,
        }
    try:
        return load_hardware(name, overrides)
    except DescriptionError:
        assume(False)
        raise
