"""`npusim hw`: the presets, what a description resolves to, its check, and its JSON Schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from npusim.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from rich.table import Table


@click.group()
def hw() -> None:
    """Hardware descriptions: presets, values with their sources, checks, JSON Schema."""


@hw.command("list")
def list_presets() -> None:
    """The presets that npusim ships."""
    from npusim.hardware import load_hardware, preset_names
    from npusim.units import format_quantity

    table = _table("preset", "MACs/cycle", "clock", "SRAM", "second memory", "what it is")
    for name in preset_names():
        hardware = load_hardware(name)
        first = next(iter(hardware.mac_array.precisions))
        table.add_row(
            name,
            f"{hardware.peak_macs_per_cycle(first):g} ({first})",
            format_quantity(hardware.clock_hz, "frequency"),
            format_quantity(hardware.memory.sram.size_bytes, "bytes"),
            hardware.memory.dram.technology,
            hardware.description,
        )
    _print(table)


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
    table = _table("key", "value", "from", "source")
    for row in rows:
        table.add_row(row.path, row.text, row.origin, "\n".join(row.sources))
    _print(table)


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


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    Console(markup=False, highlight=False).print(table)
