"""`npusim explain`: why a network or a layer costs what it costs, and what would help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import MODEL
from npusim.cli.destination import STDOUT, check_destinations

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.explain import Explanation
    from npusim.report.summary import Column

CHANGES_SHOWN = 10


@click.command(short_help="Why a model costs what it costs.")
@click.argument("model", type=MODEL)
@options.hardware_option
@click.option("--layer", metavar="NAME", help="Explain this layer: its name, or a part of it.")
@options.set_option
@options.batch_option
@options.shape_option
@options.encodings_option
@options.partial_option
@options.objective_option
@options.assume_option
@options.json_option
@options.quiet_option
def explain(
    model: str,
    hardware: str,
    layer: str | None,
    overrides: tuple[str, ...],
    batch: int | None,
    shapes: tuple[str, ...],
    encodings: str | None,
    partial_encodings: bool,
    objective: str,
    assume: str | None,
    json_to: str | None,
    quiet: bool,
) -> None:
    """Why MODEL costs what it costs: limits, losses, tilings, and what one change would bring."""
    check_destinations({"--json": json_to}, (model, hardware, encodings))
    from npusim.cli.warmup import announce_compilation
    from npusim.report import write_atomically

    loaded, hw = options.load_both(model, hardware, overrides, shapes, encodings, partial_encodings)
    announce_compilation(quiet)
    from npusim.explain import explain as explanation_of

    found = explanation_of(loaded, hw, layer, batch, objective, assume)
    text = json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n"
    if json_to == STDOUT:
        click.echo(text, nl=False)
        return
    if json_to is not None:
        write_atomically(json_to, text)
    from npusim.cli.output import results

    _print(found, results())


def _print(found: Explanation, console: Console) -> None:
    from rich.text import Text

    from npusim.report.summary import printable, title
    from npusim.report.terminal import print_line, print_table

    about = "" if found.layer is None else f": {printable(found.layer.name)}"
    print_line(title(found.report) + about, "bold", console)
    for sentence in found.words:
        console.print(Text(printable(sentence)))
    for columns in (_losses(found), _tilings(found), _changes(found)):
        print_table(columns, console)
    for note in found.unfit:
        console.print(Text(f"with {note} the network does not fit", "dim"))


def _losses(found: Explanation) -> list[Column]:
    from npusim.report.summary import Column

    losses = found.losses
    causes = tuple(loss.cause.replace("_", " ") for loss in losses)
    return [
        Column("from peak to achieved", causes, 100, True),
        Column("cycles", tuple(f"{loss.cycles:,.0f}" for loss in losses), 90),
        Column("%", tuple(f"{100 * loss.share:.1f}" for loss in losses), 80),
        Column(
            "utilization left, %",
            tuple(f"{100 * loss.utilization:.1f}" for loss in losses), 70,
        ),
    ]  # fmt: skip


def _tilings(found: Explanation) -> list[Column]:
    from npusim.report.summary import Column

    tilings = found.tilings
    if not tilings:
        return []
    own = tilings[0].network_cycles
    tiles = tuple(_tile_text(one.tile) for one in tilings)
    return [
        Column("tilings, timed in the whole network", tiles, 100, True),
        Column("order", tuple((one.loop_order or "").split("_")[0] for one in tilings), 60, True),
        Column("dataflow", tuple((x.dataflow or "").replace("_", " ") for x in tilings), 65, True),
        Column("layer cycles", tuple(f"{one.layer_cycles:,.0f}" for one in tilings), 70),
        Column(
            "network", ("chosen", *(f"{_signed(t.network_cycles / own)}" for t in tilings[1:])), 90
        ),
    ]


def _tile_text(tile: object) -> str:
    assert isinstance(tile, dict)
    return " ".join(f"{dim}{size}" for dim, size in tile.items() if dim != "B" or size > 1)


def _changes(found: Explanation) -> list[Column]:
    from npusim.report.summary import Column

    effects = [e for e in found.effects if any(map(_moves, (e.latency, e.energy, e.area)))]
    effects = effects[:CHANGES_SHOWN]
    changes = tuple(f"{e.path} {e.before} -> {e.after}" for e in effects)
    columns = [
        Column("what one change would bring", changes, 100, True),
        Column("latency", tuple(_signed(e.latency) for e in effects), 90),
        Column("energy", tuple(_signed(e.energy) for e in effects), 80),
        Column("area", tuple(_signed(e.area) for e in effects), 70),
    ]
    if found.layer is not None and found.layer.cycles > 0:
        layers = tuple("" if e.layer is None else _signed(e.layer) for e in effects)
        columns.insert(1, Column("this layer", layers, 95))
    return columns


def _signed(ratio: float) -> str:
    """A ratio to before as a change in percent."""
    return f"{100 * (ratio - 1):+.2f} %" if _moves(ratio) else "0"


def _moves(ratio: float) -> bool:
    """True if a ratio to before shows with two decimals of a percent."""
    return abs(100 * (ratio - 1)) >= 0.005
