"""`npusim compare`: models on hardware, side by side."""

from __future__ import annotations

import click

from npusim.cli import options
from npusim.cli.completion import HARDWARE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import Problem, UsageError


@click.command(short_help="Several hardware, or models, side by side.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", type=MODEL)
@click.option(
    "--hw", "hardware", type=HARDWARE, multiple=True, required=True, metavar="HW",
    help="A preset's name or a .yaml path; give one --hw for each.",
)  # fmt: skip
@options.set_option
@options.batch_option
@options.shape_option
@options.encodings_option
@options.partial_option
@options.objective_option
@options.assume_option
@click.option(
    "--reasons", type=click.IntRange(min=0), default=3, show_default=True, metavar="N",
    help="Of each difference, print the N causes, and the N causes in a layer, that explain most.",
)  # fmt: skip
@options.json_option
@options.quiet_option
def compare(
    models: tuple[str, ...],
    hardware: tuple[str, ...],
    overrides: tuple[str, ...],
    batch: int | None,
    shapes: tuple[str, ...],
    encodings: str | None,
    partial_encodings: bool,
    objective: str,
    assume: str | None,
    reasons: int,
    json_to: str | None,
    quiet: bool,
) -> None:
    """Count every MODEL on every hardware; --set applies to each of them.

    Below the table, each hardware is explained against the first: by cause, and by layer and cause.
    """
    check_destinations({"--json": json_to}, (*models, *hardware, encodings))
    for option, names in (("--hw", hardware), ("MODEL", models)):
        if len(set(names)) < len(names):
            raise UsageError(Problem(option, f"the same one is given twice: {' '.join(names)}"))
    options.check_partial(encodings, partial_encodings)
    if encodings is not None and len(models) > 1:
        raise UsageError(Problem("--encodings", f"is for one model, not for {len(models)}"))
    from npusim import api
    from npusim.cli.output import results
    from npusim.cli.warmup import announce_compilation
    from npusim.report import write_atomically

    given = options.parse_shapes(shapes)
    hws = [api.load_hardware(name, overrides) for name in hardware]
    loaded = [api.load_model(model, given, encodings, partial_encodings) for model in models]
    announce_compilation(quiet)
    comparison = api.compare(loaded, hws, batch, objective, assume)
    if json_to == STDOUT:
        click.echo(comparison.to_json(), nl=False)
        return
    if json_to is not None:
        write_atomically(json_to, comparison.to_json())
    comparison.print(results(), reasons)
