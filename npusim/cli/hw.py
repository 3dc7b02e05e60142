"""`npusim hw`: the presets, what a description resolves to, its check, and its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from npusim.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from npusim.hardware.resolved import ResolvedRow

UNKEYED = ("table", "derived", "--set")  # origins whose source is a text, not a cited key


@click.group()
def hw() -> None:
    """Hardware descriptions: presets, values with their sources, checks, JSON Schema."""


@hw.command("list")
def list_presets() -> None:
    """The presets that npusim ships."""
    from npusim.hardware import load_hardware, preset_names
    from npusim.units import format_quantity

    for name in preset_names():
        hardware = load_hardware(name)
        pair = next(iter(hardware.mac_array.precisions))
        sram = format_quantity(hardware.memory.sram.size_bytes, "bytes")
        cells = (
            f"{hardware.peak_macs_per_cycle(pair):g} {pair} MACs/cycle",
            format_quantity(hardware.clock_hz, "frequency"),
            f"{sram} SRAM",
            hardware.memory.dram.technology,
        )
        click.echo(f"{name:<18}{', '.join(cells)}")
        click.echo(f"{'':<18}{hardware.description.partition('. ')[0].rstrip('.')}")


@hw.command()
@click.argument("name")
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
        head = {"name": hardware.name, "sha256": hardware.sha256}
        click.echo(json.dumps({**head, "values": values}, indent=2))
        return
    click.echo(f"{hardware.name}: {hardware.description}")
    click.echo(f"sha256 {hardware.sha256}")
    for line in _listing(rows):
        click.echo(line)


@hw.command()
@click.argument("file")
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
                "where 'sources' has that key",
            )
            for value in missing
        )
    numbers = sum(value.is_number for value in description.values)
    click.echo(f"{file}: sound; {numbers} numbers, each with a source")


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
            if row.origin in UNKEYED or not colon:
                cited.append(source)
            else:
                legend[key] = text
                cited.append(f"[{key}]")
        cells = (row.path, row.text, row.origin)
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join((*padded, " ".join(cited))).rstrip()
    yield ""
    yield from (f"[{key}] {text}" for key, text in sorted(legend.items()))
