"""`npusim hw`: the presets, what a description resolves to, its check, and its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from npusim.cli.completion import FILE, HARDWARE
from npusim.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from rich.table import Table

    from npusim.hardware import Hardware
    from npusim.hardware.resolved import ResolvedRow

FREE = "free"  # marks a number that nobody published, with its range
UNKEYED = ("table", "derived", "--set")  # origins whose source is a text, not a cited key
COLUMNS = ("preset", "MACs", "clock", "SRAM", "DRAM", "TOPS", "node", "validated")
"""Titles of the table of presets. MACs are per cycle, DRAM is the second memory's bandwidth."""


@click.group()
def hw() -> None:
    """Hardware descriptions: presets, values with their sources, checks, JSON Schema."""


@hw.command("list")
def list_presets() -> None:
    """The presets that npusim ships: size, speed, memory, and whether they were validated."""
    from npusim.cli.output import results

    results().print(_preset_table())


@hw.command()
@click.argument("name", type=HARDWARE)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a field.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show(name: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Every value of NAME (a preset or a .yaml path), where it was set, and its source."""
    from npusim.hardware import load_description
    from npusim.hardware.resolved import resolved_rows

    description = load_description(name, overrides)
    rows = resolved_rows(description)
    hardware = description.hardware
    if as_json:
        values = [asdict(row) for row in rows]
        left_out = list(hardware.not_modelled)
        head = {"name": hardware.name, "sha256": hardware.sha256, "not_modelled": left_out}
        click.echo(json.dumps({**head, "values": values}, indent=2))
        return
    click.echo(f"{hardware.name}: {hardware.description}")
    click.echo(f"sha256 {hardware.sha256}")
    for line in _listing(rows):
        click.echo(line)
    for effect in hardware.not_modelled:
        click.echo(f"not modelled: {effect}")


@hw.command()
@click.argument("file", type=FILE)
def check(file: str) -> None:
    """Check FILE (or a preset): every mistake, and every number that cites no source."""
    from npusim.hardware import load_description

    description = load_description(file)
    missing = description.unsourced()
    if missing:
        raise DescriptionError(
            Problem(
                value.where,
                f"{value.path} = {value.value} has no source: end the line with # [key], "
                "where 'sources' has that key, or declare the range of it under 'free'",
            )
            for value in missing
        )
    numbers = sum(value.is_number for value in description.values)
    free = len(description.hardware.free)
    click.echo(f"{file}: sound; {numbers - free} numbers, each with a source; {free} free")


@hw.command()
def schema() -> None:
    """The JSON Schema of a description, for editors."""
    from npusim.hardware.json_schema import json_schema_text

    click.echo(json_schema_text(), nl=False)


def _listing(rows: list[ResolvedRow]) -> Iterator[str]:
    """One line a value, with the keys of its sources, then what the keys stand for."""
    widths = [max(len(getattr(row, part)) for row in rows) for part in ("path", "text", "origin")]
    legend: dict[str, str] = {}
    for row in rows:
        cited = []
        for source in row.sources:
            key, colon, text = source.partition(": ")
            if row.free:
                cited.append(f"[{FREE}] {source}")
            elif row.origin in UNKEYED or not colon:
                cited.append(source)
            else:
                legend[key] = text
                cited.append(f"[{key}]")
        cells = (row.path, row.text, row.origin)
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join((*padded, " ".join(cited))).rstrip()
    yield ""
    yield from (f"[{key}] {text}" for key, text in sorted(legend.items()))


def _preset_table() -> Table:
    """One row a preset, narrow enough for 80 columns."""
    from rich.table import Table

    from npusim.hardware import load_hardware, preset_names

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in COLUMNS:
        table.add_column(title, justify="left" if title == COLUMNS[0] else "right", no_wrap=True)
    for name in preset_names():
        table.add_row(*_preset_cells(load_hardware(name)))
    return table


def _preset_cells(hardware: Hardware) -> Iterator[str]:
    from npusim.report.confidence import preset_trust
    from npusim.units import format_quantity

    pair = next(iter(hardware.mac_array.precisions))
    macs = hardware.peak_macs_per_cycle(pair)
    bandwidth = float(f"{hardware.dram_peak_bytes_per_s:.3g}")
    yield hardware.name
    yield f"{macs:g}"
    yield format_quantity(hardware.clock_hz, "frequency")
    yield format_quantity(hardware.memory.sram.size_bytes, "bytes")
    yield format_quantity(bandwidth, "bytes_per_second")
    yield f"{2 * macs * hardware.clock_hz / 1e12:.3g}"
    yield format_quantity(hardware.technology.node_m, "length")
    yield "no" if isinstance(preset_trust(hardware.name), str) else "yes"
