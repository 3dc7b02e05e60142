"""`npusim export`: a model, whatever it was read from, as an ONNX file that ONNX Runtime runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from npusim.cli import options
from npusim.cli.completion import FILE, MODEL
from npusim.cli.destination import STDOUT, check_destinations
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from npusim.ir.graph import Graph


EXACT = ("int8", "uint8", "int32", "int64", "bool", "fp32")
"""Formats of which ONNX Runtime computes the same bits, or that it computes with in any case."""


@click.command(short_help="Write a model as ONNX in Q/DQ form.")
@click.argument("model", type=MODEL)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="OUT.onnx", help="The file to write."
)
@options.shape_option
@options.encodings_option
@options.partial_option
@options.quiet_option
def export(
    model: str,
    output: str,
    shapes: tuple[str, ...],
    encodings: str | None,
    partial_encodings: bool,
    quiet: bool,
) -> None:
    """Write MODEL (.onnx, .tflite, built-in) as ONNX with QuantizeLinear and DequantizeLinear.

    ONNX Runtime computes from it what npusim computes under the profile onnx. What has no such form
    is named (exit code 3), and nothing is written.

    \b
    npusim export model.tflite -o model.onnx
    npusim export float.onnx --encodings aimet.encodings -o quantized.onnx
    """
    if output == STDOUT:
        raise UsageError(Problem("--output", "a model goes to a file, not to stdout"))
    check_destinations({"--output": output}, (model, encodings))
    options.check_partial(encodings, partial_encodings)
    from npusim import api

    given = options.parse_shapes(shapes)
    loaded = api.load_model(model, given, encodings, partial_encodings)
    api.export_onnx(loaded, output)
    if not quiet:
        click.echo(_summary(loaded.graph, output), err=True)
        for note in (*loaded.graph.notes, *_differences(loaded.graph)):
            click.echo(f"note: {note}", err=True)


def _differences(graph: Graph) -> list[str]:
    """A note if ONNX Runtime has no kernels on stored numbers for some formats of the model."""
    names = {name for node in graph.nodes for name in (*node.inputs, *node.outputs) if name}
    others = {graph.tensors[name].format.name for name in names} - set(EXACT)
    if not others:
        return []
    return [
        f"ONNX Runtime computes in float32 what is stored as {', '.join(sorted(others))}: its "
        "results can differ by a step"
    ]


def _summary(graph: Graph, output: str) -> str:
    """How much was written, and in which formats the operators write their results."""
    formats = Counter(graph.tensors[node.outputs[0]].format.name for node in graph.nodes)
    listed = ", ".join(f"{count} write {name}" for name, count in formats.most_common())
    return f"{output}: {len(graph.nodes)} operators ({listed})"
