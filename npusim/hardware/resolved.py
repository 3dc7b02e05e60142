"""What a description really says: every value in units, where it was set, and its source.

Fields that nobody set are listed with their default; the figures of the memory's table and what
follows from it all are listed too, so that nothing a simulation uses stays unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from npusim.hardware.document import FREE
from npusim.hardware.loader import Description, SourcedValue
from npusim.hardware.memory import Latency
from npusim.hardware.quantities import Section, dimension_of
from npusim.hardware.schema import free_parameters
from npusim.units import format_quantity

_NOT_SHOWN = ("npusim", "name", "description", "sources", "not_modelled", "free")
_TABLE_UNITS = {
    "row_miss_s": "time",
    "row_interval_s": "time",
    "conflict_s": "time",
    "turn_to_read_s": "time",
    "turn_to_write_s": "time",
    "page_bytes": "bytes",
    "controller_s": "time",
    "energy_pj_per_bit": "energy_per_bit",
    "background_w": "power",
}


@dataclass(frozen=True)
class ResolvedRow:
    """One value: dotted path, text with its unit, where it was set, and the cited sources.

    Of a free parameter, the source is its range and the reason.
    """

    path: str
    text: str
    origin: str
    sources: tuple[str, ...]
    free: bool = False


def resolved_rows(description: Description) -> list[ResolvedRow]:
    """Every field of the description, then the memory table's figures, then what follows."""
    stated = {value.path: value for value in description.values}
    free = {
        one.path: f"{one.range_text}: {one.why}" for one in free_parameters(description.hardware)
    }
    rows = [
        replace(row, sources=(free[row.path],), free=True) if row.path in free else row
        for row in _section_rows(description.hardware, "", stated)
    ]
    return [*rows, *_table_rows(description), *_derived_rows(description)]


def _section_rows(
    section: Section, prefix: str, stated: dict[str, SourcedValue]
) -> Iterator[ResolvedRow]:
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        if not prefix and key in _NOT_SHOWN:
            continue
        unit = dimension_of(field.annotation, field.metadata)
        yield from _value_rows(getattr(section, name), f"{prefix}{key}", unit, stated)


def _value_rows(
    value: Any, path: str, unit: str | None, stated: dict[str, SourcedValue]
) -> Iterator[ResolvedRow]:
    if isinstance(value, Section) and path not in stated:
        yield from _section_rows(value, f"{path}.", stated)
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _value_rows(item, f"{path}.{key}", unit, stated)
    else:
        found = [item for key, item in stated.items() if f"{key}.".startswith(f"{path}.")]
        cited = (text for item in found for text in item.sources if text != FREE)
        sources = tuple(dict.fromkeys(cited))
        origin = found[0].origin if found else "default"
        yield ResolvedRow(path, _text(value, unit), origin, sources)


def _text(value: Any, unit: str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Latency):
        in_cycles = value.cycles is not None
        return _text(*((value.cycles, "cycles") if in_cycles else (value.seconds, "time")))
    if isinstance(value, Section):  # a precision that was written as a number
        return ", ".join(f"{key} {_text(item, None)}" for key, item in value if item is not None)
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item, unit) for item in value)}]"
    if isinstance(value, dict):
        return "{}"
    if unit is not None:
        return format_quantity(value, unit)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table_rows(description: Description) -> Iterator[ResolvedRow]:
    table = description.hardware.memory.dram.table
    for key, figure in table.figures().items():
        unit = _TABLE_UNITS.get(key)
        rounded = float(f"{figure.value:.4g}")
        sources = (f"{figure.source} [{figure.confidence}]",)
        yield ResolvedRow(f"{table.name}: {key}", _text(rounded, unit), "table", sources)


def _derived_rows(description: Description) -> Iterator[ResolvedRow]:
    hardware = description.hardware
    for pair in hardware.mac_array.precisions:
        macs = hardware.peak_macs_per_cycle(pair)
        text = f"{macs:g} MACs/cycle, {2 * macs * hardware.clock_hz / 1e12:g} TOPS"
        yield ResolvedRow(f"peak {pair}", text, "derived", ("1 MAC = 2 operations",))
    bandwidth = float(f"{hardware.dram_bytes_per_s:.4g}")
    for name, text, source in (
        ("second memory: stream", format_quantity(bandwidth, "bytes_per_second"),
         "bandwidth x efficiency, or x what refresh leaves"),
        ("second memory: first access", f"{hardware.dram_latency_cycles} cycles",
         "latency x clock, rounded up"),
        ("second memory: burst", f"{hardware.dram_burst_bytes} B", "stated, else the table's"),
        ("second memory: energy", _energy(hardware.dram_energy_pj_per_byte),
         "stated, else the table's"),
    ):  # fmt: skip
        yield ResolvedRow(name, text, "derived", (source,))


def _energy(pj_per_byte: float | None) -> str:
    return "unknown" if pj_per_byte is None else format_quantity(pj_per_byte, "energy_per_byte")
