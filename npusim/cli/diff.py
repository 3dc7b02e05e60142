"""`npusim diff`: two saved reports, and what changed between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import FILE
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import EXIT_SIMULATION_SAYS_NO

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.report.difference import Difference, LayerDelta
    from npusim.report.quantities import Scale
    from npusim.report.summary import Column

WATCHED = ("latency_s", "energy_j")
"""Totals that `--fail-above` looks at."""


@click.command(short_help="What changed between two saved reports.")
@click.argument("before", type=FILE, metavar="A.json")
@click.argument("after", type=FILE, metavar="B.json")
@options.layers_option("changed most")
@click.option(
    "--fail-above", type=click.FloatRange(min=0), metavar="PERCENT",
    help="Exit code 1 if latency or energy rise by more than this.",
)  # fmt: skip
@options.json_option
def diff(
    before: str, after: str, layers: int, fail_above: float | None, json_to: str | None
) -> int:
    """What changed from one report of `npusim run --json` to another: by layer and cause."""
    check_destinations({"--json": json_to}, (before, after))
    from npusim.report import write_atomically
    from npusim.report.difference import difference
    from npusim.report.saved import read_saved

    found = difference(read_saved(before), read_saved(after))
    text = json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n"
    if json_to == STDOUT:
        click.echo(text, nl=False)
    elif json_to is not None:
        write_atomically(json_to, text)
    if json_to != STDOUT:
        from npusim.cli.output import results

        _print(found, layers, results())
    return _verdict(found, fail_above)


def _verdict(found: Difference, fail_above: float | None) -> int:
    if fail_above is None:
        return 0
    worse = [
        delta
        for delta in found.totals
        if delta.name in WATCHED and delta.ratio and 100 * (delta.ratio - 1) > fail_above
    ]
    for delta in worse:
        name = delta.name.rsplit("_", 1)[0]
        click.echo(f"{name} rose by {100 * ((delta.ratio or 1) - 1):.2f} %", err=True)
    return EXIT_SIMULATION_SAYS_NO if worse else 0


def _print(found: Difference, most_layers: int, console: Console) -> None:
    from rich.text import Text

    from npusim.report.changes import change_columns
    from npusim.report.quantities import ENERGY_J, TIME_S
    from npusim.report.summary import printable
    from npusim.report.terminal import print_line, print_table

    for label, saved in (("A", found.before), ("B", found.after)):
        line = f"{label}  {saved.model.name} on {saved.hardware.name}"
        print_line(printable(line), "bold", console)
    for text in found.differing:
        console.print(Text(printable(text), "dim"))
    print_table(_totals(found), console)
    print_table(change_columns("time by cause", found.causes_s, TIME_S), console)
    print_table(change_columns("energy by part", found.parts_j, ENERGY_J), console)
    print_table(_layers(found, most_layers), console)
    left = sum(layer.time_s.change != 0 for layer in found.layers) - most_layers
    if most_layers and left > 0:
        console.print(Text(f"and {left} more layers that changed less", "dim"))


def _totals(found: Difference) -> list[Column]:
    """One row a total, each in the unit that fits it."""
    from npusim.report.changes import percent_of
    from npusim.report.quantities import scale_for, significant
    from npusim.report.summary import Column

    rows = []
    for delta in found.totals:
        label, scales = _unit_of(delta.name)
        scale = scale_for(max(abs(delta.before or 0.0), abs(delta.after or 0.0)), scales)
        label = f"{label}, {scale.unit}" if scale.unit else label
        values = (significant((x or 0.0) / scale.size, 4) for x in (delta.before, delta.after))
        rows.append((label, *values, percent_of(delta)))
    names, first, second, change = zip(*rows, strict=True)
    return [
        Column("", names, 100, True), Column("A", first, 80), Column("B", second, 80),
        Column("change", change, 90),
    ]  # fmt: skip


def _unit_of(name: str) -> tuple[str, tuple[Scale, ...]]:
    """Label and units of a total, from the unit that its name ends with."""
    from npusim.report.quantities import BYTES, ENERGY_J, POWER_W, TIME_S, Scale

    units = {"s": TIME_S, "j": ENERGY_J, "w": POWER_W, "bytes": BYTES, "ips": (Scale("/s", 1.0),),
             "mm2": (Scale("mm2", 1.0),)}  # fmt: skip
    stem, _, unit = name.rpartition("_")
    if unit in units:
        words = stem.replace("_", " ").replace("dram", "DRAM").replace("sram", "SRAM")
        return words, units[unit]
    plain = {"tops_effective": ("performance", "TOPS"), "tops_per_watt": ("efficiency", "TOPS/W")}
    label, text = plain.get(name, (name, ""))
    return label, (Scale(text, 1.0),) if text else (Scale("%", 1e-2),)


def _layers(found: Difference, most: int) -> list[Column]:
    from npusim.report.changes import change_columns
    from npusim.report.quantities import TIME_S
    from npusim.report.summary import Column, printable, telling

    layers = [layer for layer in found.layers if layer.time_s.change][: most or None]
    if not layers:
        return []
    names, *others = change_columns("layer", [layer.time_s for layer in layers], TIME_S)
    cells = tuple(telling([printable(layer.time_s.name) for layer in layers]))
    reasons = tuple(_reason(layer) for layer in layers)
    ops = tuple(layer.op for layer in layers)
    return [
        Column(names.header, cells, 100, True), Column("op", ops, 60, True), *others,
        Column("mostly", reasons, 75, True),
    ]  # fmt: skip


def _reason(layer: LayerDelta) -> str:
    if layer.time_s.before is None:
        return "only in B"
    if layer.time_s.after is None:
        return "only in A"
    return layer.cause.replace("_", " ")
