"""`npusim quantize`: a float model as ONNX in Q/DQ form, and what that costs in accuracy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    rows_of,
    samples_for,
)
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.quantize import Quantized, Scheme

DEFAULT_SCHEME = "w8a8"


@dataclass(frozen=True)
class Request:
    """The options of `npusim quantize`, as they were given."""

    model: str
    output: str
    scheme: str
    weights: str | None
    activations: str | None
    clip_weights: bool
    range_method: str
    equalize: bool
    correct_bias: bool
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
        if self.clip_weights:
            found = replace(found, weights=replace(found.weights, clipped=True))
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
    "w8 and w4 (weights alone), fp16, dynamic.",
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
    "--clip-weights", is_flag=True,
    help="Scales of weights with the least squared error, as schemes of 3 bits have them: "
    "the greatest weights may saturate.",
)  # fmt: skip
@calibration_option
@range_option
@click.option(
    "--equalize", is_flag=True, help="First make the weights of neighbouring layers alike in range."
)
@click.option(
    "--correct-bias", is_flag=True, help="Take the shifts of means that rounding makes into biases."
)
@click.option(
    "--keep", multiple=True, metavar="LAYER=fp16|fp32",
    help="Do not quantize this layer; npusim ops lists the names.",
)  # fmt: skip
@judged_option
@judged_labels_option
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
    samples = samples_for(request.model, model, request.calibration, request.inputs, request.labels)
    with bar(request.quiet, "calibrating", rows_of(samples.calibration)) as told:
        done = post_training.quantize(
            model, samples.calibration, scheme, request.range_method, request.equalize,
            request.correct_bias, samples.judged, samples.labels, told,
        )  # fmt: skip
    write_atomically(request.output, done.content)
    if request.report_to is not None and request.report_to != STDOUT:
        write_atomically(request.report_to, done.report.to_json())
    if request.report_to == STDOUT:
        click.echo(done.report.to_json(), nl=False)
        return
    _print(request, done)


def _print(request: Request, done: Quantized) -> None:
    from npusim.cli.output import results
    from npusim.cli.quantized import print_quantization

    print_quantization(done.report, request.output, results(), request.layers or None)
