"""Hardware descriptions: schema, presets, memory technologies, and the loader with its errors."""

from __future__ import annotations

from npusim.hardware.free import FreeParameter
from npusim.hardware.loader import (
    Description,
    SourcedValue,
    load_description,
    load_hardware,
    resolve_sources,
)
from npusim.hardware.presets import preset_names
from npusim.hardware.schema import Hardware, free_parameters

__all__ = [
    "Description",
    "FreeParameter",
    "Hardware",
    "SourcedValue",
    "free_parameters",
    "load_description",
    "load_hardware",
    "preset_names",
    "resolve_sources",
]
