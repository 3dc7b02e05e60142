"""Names and values of fields, and values of objectives, as tables and plots show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from npusim.report.quantities import Scale, scale_for, significant
from npusim.sweep.objectives import Floats, Objective
from npusim.units import DIMENSIONS, format_quantity

_DIMENSION_OF = {dimension.base: name for name, dimension in DIMENSIONS.items()}


def short_names(fields: Sequence[str]) -> dict[str, str]:
    """Of each field as few of its last parts as no other field ends with.

    Parts of a part (`memory.sram.size`) keep two: `size` alone would not say of what.

    >>> short_names(["memory.sram.size", "mac_array.rows"])
    {'memory.sram.size': 'sram.size', 'mac_array.rows': 'rows'}
    """
    endings = Counter(end for field in set(fields) for end in _endings(field))
    return {
        field: next((end for end in _endings(field) if endings[end] == 1), field)
        for field in fields
    }


def knob_names(knobs: Sequence[Sequence[str]]) -> dict[str, str]:
    """Of the first field of each knob its short name, and how many others change with it.

    >>> knob_names([["mac_array.rows", "mac_array.cols"], ["clock"]])
    {'mac_array.rows': 'rows +1', 'clock': 'clock'}
    """
    short = short_names([field for knob in knobs for field in knob])
    return {
        knob[0]: short[knob[0]] + (f" +{len(knob) - 1}" if len(knob) > 1 else "") for knob in knobs
    }


def _endings(field: str) -> list[str]:
    parts = field.split(".")
    shortest = 2 if len(parts) > 2 else 1
    return [".".join(parts[-kept:]) for kept in range(shortest, len(parts) + 1)]


def level(value: object, unit: str | None) -> str:
    """A value of a field: with its unit where it has one (`unit` is the base unit of `value`).

    >>> level(524288.0, "B"), level(16.0, None), level("any", None), level(None, "B")
    ('512 KiB', '16', 'any', '-')
    """
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value != value:
        return "-"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if unit in _DIMENSION_OF and isinstance(value, int | float) and not isinstance(value, bool):
        return format_quantity(value, _DIMENSION_OF[unit])
    return str(value)


def scale_of(objective: Objective, values: Floats) -> Scale:
    """One unit for all finite `values` of an objective: the one that fits their middle."""
    finite = sorted(abs(float(value)) for value in values if value == value)
    return scale_for(finite[len(finite) // 2] if finite else 0.0, objective.scales)


def heading(objective: Objective, scale: Scale) -> str:
    """What an axis or a column of the objective is called, with its unit."""
    return f"{objective.label}, {scale.unit}"


def cells(values: Sequence[float], scale: Scale) -> tuple[str, ...]:
    """Values of an objective in `scale`; a dash where there is none."""
    return tuple("-" if x != x else significant(x / scale.size) for x in values)
