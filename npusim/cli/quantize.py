"""`npusim quantize`: a float model as ONNX in Q/DQ form, and what that costs in accuracy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    import numpy as np

    from npusim.api import Model
    from npusim.quantize import Quantized, Scheme

    Arrays = Mapping[str, np.ndarray]

BUNDLED = "digits-float"
"""The model that brings its own samples."""
DEFAULT_SCHEME = "w8a8"
DEFAULT_RANGE = "minmax"


@dataclass(frozen=True)
class Request:
    """The options of `npusim quantize`, as they were given."""

    model: str
    output: str
    scheme: str
    weights: str | None
    activations: str | None
    range_method: str
    calibration: str | None
    keep: tuple[str, ...]
    inputs: str | None
    labels: str | None
    shapes: tuple[str, ...]
    report_to: str | None
    layers: int
    quiet: bool

    def check(self) -> None:
        """UsageError for options that contradict each other, or results that have no place."""
        problems = []
        if self.output == STDOUT:
            problems.append(Problem("--output", "a model goes to a file, not to stdout"))
        if self.labels is not None and self.inputs is None:
            problems.append(Problem("--labels", "needs the samples that they belong to: --inputs"))
        if problems:
            raise UsageError(problems)
        targets = {"--output": self.output, "--report": self.report_to}
        check_destinations(targets, (self.model, self.calibration, self.inputs, self.labels))

    def formats(self) -> Scheme:
        """The scheme that the options ask for."""
        from npusim.quantize.scheme import (
            kept_in,
            parse_activations,
            parse_weights,
            scheme_named,
        )

        found = scheme_named(self.scheme)
        if self.weights is not None:
            found = replace(found, weights=parse_weights(self.weights))
        if self.activations is not None:
            found = replace(found, activations=parse_activations(self.activations))
        for text in self.keep:
            layer, equals, name = text.rpartition("=")
            if not (equals and layer):
                raise UsageError(Problem("--keep", f"{text!r} is not LAYER=fp16 or LAYER=fp32"))
            found = found.with_layer(layer, kept_in(name))
        return found


@click.command(short_help="Quantize a float model; write it as ONNX in Q/DQ form.")
@click.argument("model", type=MODEL)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="OUT.onnx", help="The file to write."
)
@click.option(
    "--scheme", default=DEFAULT_SCHEME, show_default=True, metavar="NAME",
    help="Formats by name: w8a8, w8a8-per-tensor, w4a8, w3a8, w8a16, w4a16, fp8-e4m3, fp8-e5m2, "
    "w8 and w4 (weights alone), fp16.",
)  # fmt: skip
@click.option(
    "--weights", metavar="FORMAT[:HOW]",
    help="Weights otherwise than the scheme has them: int8:per-tensor, int4:per-block-64, "
    "int3:per-channel, fp8-e4m3, ...",
)  # fmt: skip
@click.option(
    "--activations",
    metavar="FORMAT[:HOW]",
    help="Activations likewise: uint8, int8:symmetric, int16, fp8-e5m2, fp16, fp32, ...",
)
@click.option(
    "--calibration", type=FILE, metavar="FILE.npz",
    help="Samples of the model's inputs, about a hundred: ranges of activations come from them.",
)  # fmt: skip
@click.option(
    "--range", "range_method", default=DEFAULT_RANGE, show_default=True, metavar="HOW",
    help="Ranges from what was seen: minmax, percentile, mse.",
)  # fmt: skip
@click.option(
    "--keep", multiple=True, metavar="LAYER=fp16|fp32",
    help="Do not quantize this layer; npusim ops lists the names.",
)  # fmt: skip
@click.option(
    "--inputs", type=FILE, metavar="FILE.npz",
    help="Other samples to judge the result on; by default some of --calibration.",
)  # fmt: skip
@click.option(
    "--labels", type=FILE, metavar="FILE.npz", help="The classes of --inputs: prints the accuracy."
)
@options.shape_option
@click.option(
    "--report", "report_to", type=FILE, metavar="FILE.json",
    help="Write what each layer lost, its ranges and its saturation; '-' for stdout.",
)  # fmt: skip
@options.layers_option("add most noise")
@options.quiet_option
def quantize(**given: object) -> None:
    """Quantize MODEL, a float one (.onnx, .tflite, or digits-float, which brings its own samples).

    What is written runs in ONNX Runtime. Nothing is written if anything fails.

    \b
    npusim quantize model.onnx -o int8.onnx --calibration samples.npz
    npusim quantize model.onnx -o w4.onnx --scheme w4a8 --calibration samples.npz --range mse
    npusim quantize digits-float -o digits.onnx --report digits.json
    """
    request = Request(**given)  # type: ignore[arg-type]
    request.check()
    _quantize(request)


def _quantize(request: Request) -> None:
    from npusim import api
    from npusim.quantize import post_training
    from npusim.report import write_atomically

    scheme = request.formats()
    model = api.load_model(request.model, options.parse_shapes(request.shapes))
    post_training.prepared(model)
    calibration, judged, labels = _samples(request, model)
    with _progress(request.quiet, calibration) as progress:
        done = post_training.quantize(
            model, calibration, scheme, request.range_method, judged, labels, progress
        )
    write_atomically(request.output, done.content)
    if request.report_to is not None and request.report_to != STDOUT:
        write_atomically(request.report_to, done.report.to_json())
    if request.report_to == STDOUT:
        click.echo(done.report.to_json(), nl=False)
        return
    _print(request, done)


def _samples(
    request: Request, model: Model
) -> tuple[Arrays | None, Arrays | None, np.ndarray | None]:
    """Samples for calibration, samples to judge by, and their classes, as far as they are there."""
    from npusim.execution.accuracy import classes_of, read_labels
    from npusim.execution.npz import read_inputs
    from npusim.models.bundled import bundled_calibration, bundled_samples

    own = request.model == BUNDLED
    calibration: Arrays | None = bundled_calibration() if own else None
    if request.calibration is not None:
        calibration = read_inputs(request.calibration, model.inputs, "--calibration")
    if request.inputs is None:
        tests = bundled_samples() if own else None
        return (calibration, None, None) if tests is None else (
            calibration, tests.inputs, tests.labels,
        )  # fmt: skip
    judged = read_inputs(request.inputs, model.inputs)
    if request.labels is None:
        return calibration, judged, None
    rows = next(iter(judged.values())).shape[0]
    return calibration, judged, read_labels(request.labels, rows, classes_of(model.graph))


@contextmanager
def _progress(quiet: bool, samples: Arrays | None) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr while samples are run, if somebody looks at it."""
    if quiet or samples is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("calibrating", total=len(next(iter(samples.values()))))
        yield lambda done: bar.update(task, completed=done)


def _print(request: Request, done: Quantized) -> None:
    from npusim.cli.output import results
    from npusim.cli.quantized import print_quantization

    print_quantization(done.report, request.output, results(), request.layers or None)
