"""`npusim hw`: the presets, what a description resolves to, its check, and its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from npusim.cli.completion import FILE, HARDWARE
from npusim.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from npusim.hardware import Hardware
    from npusim.hardware.resolved import ResolvedRow
    from npusim.report.summary import Column

FREE = "free"  # marks a number that nobody published, with its range
UNKEYED = ("table", "derived", "--set")  # origins whose source is a text, not a cited key
SCHEMA = "npusim.hw/1"
COLUMNS = {"preset": 9, "MACs": 8, "clock": 6, "SRAM": 5, "DRAM": 4, "TOPS": 7, "node": 2,
           "checked": 3}  # fmt: skip
"""Titles of the table of presets, and which of them stay longest where the terminal is narrow.
MACs are per cycle, DRAM is the second memory's bandwidth; `checked` has the mean error against
measurements."""


@click.group(short_help="Hardware: presets, checks, schema.")
def hw() -> None:
    """Hardware descriptions: presets, values with their sources, checks, JSON Schema."""


@hw.command("list", short_help="The presets that npusim ships.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_presets(as_json: bool) -> None:
    """The presets that npusim ships: size, speed, memory, and whether they were validated."""
    from npusim.hardware import load_hardware, preset_names

    presets = [load_hardware(name) for name in preset_names()]
    if as_json:
        found = {"schema": SCHEMA, "presets": [_figures(preset) for preset in presets]}
        click.echo(json.dumps(found, indent=2))
        return
    from npusim.cli.output import results
    from npusim.report.terminal import table

    console = results()
    console.print(table(_preset_columns(presets), console.width, console.options.ascii_only))


@hw.command(short_help="Every value, and its source.")
@click.argument("name", type=HARDWARE)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a field.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show(name: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Every value of NAME (a preset or a .yaml path), where it was set, and its source."""
    from npusim.hardware import load_description
    from npusim.hardware.resolved import resolved_rows
    from npusim.report.confidence import left_out_of

    description = load_description(name, overrides)
    rows = resolved_rows(description)
    hardware = description.hardware
    if as_json:
        values = [asdict(row) for row in rows]
        left_out = left_out_of(hardware)
        head = {"name": hardware.name, "sha256": hardware.sha256, "not_modelled": left_out}
        click.echo(json.dumps({**head, "values": values}, indent=2))
        return
    click.echo(f"{hardware.name}: {hardware.description}")
    click.echo(f"sha256 {hardware.sha256}")
    for line in _listing(rows):
        click.echo(line)
    for effect in left_out_of(hardware):
        click.echo(f"not modelled: {effect}")


@hw.command(short_help="Mistakes, and numbers without a source.")
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


def _preset_columns(presets: Sequence[Hardware]) -> list[Column]:
    """One row a preset, narrow enough for 80 columns."""
    from npusim.report.summary import Column

    columns = zip(*map(_preset_cells, presets), strict=True)
    return [
        Column(title, cells, importance, title == "preset")
        for (title, importance), cells in zip(COLUMNS.items(), columns, strict=True)
    ]


def _figures(hardware: Hardware) -> dict[str, Any]:
    """One preset in JSON; the rates are those of its first pair of formats."""
    from npusim.report.confidence import preset_trust

    pair = next(iter(hardware.mac_array.precisions))
    macs = hardware.peak_macs_per_cycle(pair)
    return {
        "name": hardware.name,
        "description": hardware.description,
        "precision": pair,
        "macs_per_cycle": macs,
        "clock_hz": hardware.clock_hz,
        "sram_bytes": hardware.memory.sram.size_bytes,
        "dram_bytes_per_s": hardware.dram_peak_bytes_per_s,
        "tops_peak": 2 * macs * hardware.clock_hz / 1e12,
        "node_m": hardware.technology.node_m,
        "validation": preset_trust(hardware),
        "sha256": hardware.sha256,
    }


def _checked(validation: str | Mapping[str, float]) -> str:
    """The mean error of a preset that was compared with measurements, in percent; else `no`."""
    return "no" if isinstance(validation, str) else f"{validation['error_percent']:.2g} %"


def _preset_cells(hardware: Hardware) -> tuple[str, ...]:
    from npusim.units import format_quantity

    figures = _figures(hardware)
    return (
        figures["name"],
        f"{figures['macs_per_cycle']:g}",
        format_quantity(figures["clock_hz"], "frequency"),
        format_quantity(figures["sram_bytes"], "bytes"),
        format_quantity(float(f"{figures['dram_bytes_per_s']:.3g}"), "bytes_per_second"),
        f"{figures['tops_peak']:.3g}",
        format_quantity(figures["node_m"], "length"),
        _checked(figures["validation"]),
    )
