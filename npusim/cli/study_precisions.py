"""`npusim study precisions`: what each precision of a network buys on a hardware."""

from __future__ import annotations

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations


@click.command(short_help="What each precision buys on a hardware.")
@click.argument("model", type=MODEL)
@options.hardware_option
@options.set_option
@click.option(
    "--precisions", metavar="NAME,...",
    help="Only these of fp32, fp16, bf16, int16, w8a16, int8, fp8, w4a8, w4a16.",
)  # fmt: skip
@options.batch_option
@options.shape_option
@options.objective_option
@options.json_option
@click.option(
    "--plot", "plot_to", type=FILE, metavar="FILE",
    help="Draw latency and energy of each: FILE.png, .svg or .pdf.",
)  # fmt: skip
@options.quiet_option
def precisions(
    model: str,
    hardware: str,
    overrides: tuple[str, ...],
    precisions: str | None,
    batch: int | None,
    shapes: tuple[str, ...],
    objective: str,
    json_to: str | None,
    plot_to: str | None,
    quiet: bool,
) -> None:
    """Count MODEL on one hardware as FP32, FP16, ..., INT8, W4A8: size, traffic, time and energy.

    Each is the whole network with its tensors in other formats, whatever formats the file has.
    Below the table, published claims stand beside what was found, with what decides them.
    """
    check_destinations({"--json": json_to, "--plot": plot_to}, (model, hardware))
    from npusim.cli.output import results
    from npusim.cli.warmup import announce_compilation
    from npusim.quantize.precisions import study_precisions
    from npusim.quantize.precisions.choices import chosen
    from npusim.quantize.precisions.printed import print_study
    from npusim.report import write_atomically
    from npusim.report.plots import ending_of, image_of, require_matplotlib

    names = precisions.split(",") if precisions is not None else ()
    chosen(names)
    ending = "" if plot_to is None else ending_of(plot_to)
    if plot_to is not None:
        require_matplotlib()
    loaded, described = options.load_both(model, hardware, overrides, shapes, None, False)
    announce_compilation(quiet)
    study = study_precisions(loaded, described, names, objective, batch)
    if plot_to is not None:
        from npusim.quantize.precisions.plot import figure

        write_atomically(plot_to, image_of(figure(study), ending))
    if json_to is not None and json_to != STDOUT:
        write_atomically(json_to, study.to_json())
    if json_to == STDOUT:
        click.echo(study.to_json(), nl=False)
    else:
        print_study(study, results())
