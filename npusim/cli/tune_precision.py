"""`npusim tune-precision`: which layers deserve which precision on a hardware."""

from __future__ import annotations

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.cli.quantizing import (
    bar,
    calibration_option,
    judged_labels_option,
    judged_option,
    range_option,
    samples_for,
)
from npusim.errors import Problem, UsageError


@click.command("tune-precision", short_help="Search precisions per layer on a hardware.")
@click.argument("model", type=MODEL)
@options.hardware_option
@options.set_option
@calibration_option
@judged_option
@judged_labels_option
@click.option(
    "--formats", metavar="NAME,...",
    help="Formats that a layer may have, as schemes of npusim quantize; by default w8a8, w4a8, "
    "fp8-e4m3, w8a16, w4a16 and fp16, as far as the array has them.",
)  # fmt: skip
@click.option(
    "--quality", type=click.Choice(("sqnr", "agreement", "accuracy")),
    help="What counts: accuracy by default where there are labels, else sqnr.",
)  # fmt: skip
@click.option(
    "--against", type=click.Choice(("latency", "energy", "size")), default="energy",
    show_default=True, help="What it may cost.",
)  # fmt: skip
@click.option(
    "--points", type=click.IntRange(1, 1000), default=12, show_default=True, metavar="N",
    help="Execute N assignments of each search.",
)  # fmt: skip
@click.option(
    "--probes", type=click.IntRange(1, 100_000), default=16, show_default=True, metavar="N",
    help="Measure the noise of a layer on N of the samples.",
)  # fmt: skip
@range_option
@click.option(
    "-o", "--output", type=FILE, metavar="OUT.onnx",
    help="Write the cheapest model of the front whose quality is --least.",
)  # fmt: skip
@click.option(
    "--least", type=float, metavar="VALUE",
    help="For --output: dB of SQNR, or a share between 0 and 1.",
)  # fmt: skip
@options.shape_option
@options.json_option
@click.option(
    "--plot", "plot_to", type=FILE, metavar="FILE",
    help="Draw quality over cost: FILE.png, .svg or .pdf.",
)  # fmt: skip
@options.quiet_option
def tune_precision(
    model: str,
    hardware: str,
    overrides: tuple[str, ...],
    calibration: str | None,
    inputs: str | None,
    labels: str | None,
    formats: str | None,
    quality: str | None,
    against: str,
    points: int,
    probes: int,
    range_method: str,
    output: str | None,
    least: float | None,
    shapes: tuple[str, ...],
    json_to: str | None,
    plot_to: str | None,
    quiet: bool,
) -> None:
    """Search formats for each layer of MODEL, a float one: a front of quality against cost.

    Each layer's noise is measured by executing it, its cost by simulating it; every point that is
    printed was executed and simulated as a whole.

    \b
    npusim tune-precision digits-float --hw edge-npu-1
    npusim tune-precision model.onnx --hw ethos-u65-512 --calibration samples.npz
    """
    if (output is None) != (least is None):
        raise UsageError(Problem("--output", "and --least need each other"))
    targets = {"--json": json_to, "--plot": plot_to, "--output": output}
    check_destinations(targets, (model, hardware, calibration, inputs, labels))
    from npusim.cli.output import results
    from npusim.cli.warmup import announce_compilation
    from npusim.quantize.post_training import written
    from npusim.quantize.tuning import Wish
    from npusim.quantize.tuning import tune_precision as search
    from npusim.quantize.tuning.printed import print_tuned
    from npusim.report import write_atomically
    from npusim.report.plots import ending_of, image_of, require_matplotlib

    ending = "" if plot_to is None else ending_of(plot_to)
    if plot_to is not None:
        require_matplotlib()
    loaded, described = options.load_both(model, hardware, overrides, shapes, None, False)
    samples = samples_for(model, loaded, calibration, inputs, labels)
    if samples.calibration is None:
        what = "missing: ranges of activations come from samples, about a hundred"
        raise UsageError(Problem("--calibration", what))
    announce_compilation(quiet)
    wish = Wish(
        quality or ("sqnr" if samples.labels is None else "accuracy"),
        against,
        points,
        range_method,
        probes,
    )
    names = [] if formats is None else [name.strip() for name in formats.split(",")]
    with bar(quiet, "measuring each layer", 1) as told:
        tuned = search(
            loaded, described, samples.calibration, names, wish, samples.judged, samples.labels,
            told,
        )  # fmt: skip
    if plot_to is not None:
        write_atomically(plot_to, image_of(tuned.plot(), ending))
    if json_to is not None and json_to != STDOUT:
        write_atomically(json_to, tuned.to_json())
    if json_to == STDOUT:
        click.echo(tuned.to_json(), nl=False)
    else:
        print_tuned(tuned, results())
    if output is not None and least is not None:  # last: what was found is told in any case
        write_atomically(output, written(tuned.graph(tuned.cheapest(least))))
