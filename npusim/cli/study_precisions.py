"""`npusim study precisions`: what each precision of a network buys on a hardware."""

from __future__ import annotations

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.cli.quantizing import (
    calibration_option,
    judged_labels_option,
    judged_option,
    samples_for,
)
from npusim.errors import Problem, UsageError


@click.command(short_help="What each precision buys on a hardware.")
@click.argument("model", type=MODEL)
@options.hardware_option
@options.set_option
@click.option(
    "--precisions", metavar="NAME,...",
    help="Only these of fp32, fp16, bf16, int16, w8a16, int8, fp8, w4a8, w4a16.",
)  # fmt: skip
@calibration_option
@judged_option
@judged_labels_option
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
    calibration: str | None,
    inputs: str | None,
    labels: str | None,
    batch: int | None,
    shapes: tuple[str, ...],
    objective: str,
    json_to: str | None,
    plot_to: str | None,
    quiet: bool,
) -> None:
    """Count MODEL on one hardware as FP32, FP16, ..., INT8, W4A8: size, traffic, time and energy.

    Each is the whole network with its tensors in other formats, whatever formats the file has. With
    --calibration a float MODEL is quantized and executed in each of them as well, which
    digits-float always is. Below the table, published claims stand beside what was found, with what
    decides them.
    """
    if inputs is not None and calibration is None:
        raise UsageError(Problem("--inputs", "needs --calibration: ranges come from samples"))
    read = (model, hardware, calibration, inputs, labels)
    check_destinations({"--json": json_to, "--plot": plot_to}, read)
    from npusim.cli.output import results
    from npusim.cli.warmup import announce_compilation
    from npusim.quantize.precisions import Samples, study_precisions
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
    given = samples_for(model, loaded, calibration, inputs, labels)
    samples = None
    if given.calibration is not None:
        samples = Samples(given.calibration, given.judged or given.calibration, given.labels)
    study = study_precisions(loaded, described, names, objective, batch, samples)
    if plot_to is not None:
        from npusim.quantize.precisions.plot import figure

        write_atomically(plot_to, image_of(figure(study), ending))
    if json_to is not None and json_to != STDOUT:
        write_atomically(json_to, study.to_json())
    if json_to == STDOUT:
        click.echo(study.to_json(), nl=False)
    else:
        print_study(study, results())
