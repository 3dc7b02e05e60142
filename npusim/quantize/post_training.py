"""Post-training quantization in one call; nothing is written.

float graph (BatchNorm folded when it was read) -> calibration -> quantized graph -> ONNX in
memory, read again and compared -> report by executing both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from npusim import api
from npusim.errors import ModelFileError, Problem, UnsupportedModelError, UsageError, nearest_name
from npusim.execution.accuracy import accuracy_of
from npusim.frontend.onnx.reader import read_onnx_bytes
from npusim.frontend.onnx_writer import onnx_model
from npusim.frontend.onnx_writer.writer import WRITERS
from npusim.ir.graph import Graph
from npusim.quantize.bias_correction import corrected, with_biases
from npusim.quantize.calibration import Calibration, Progress, calibrate
from npusim.quantize.equalization import Equalized, equalized
from npusim.quantize.judging import agreement_between, layer_noises, real_of, sqnr_between
from npusim.quantize.onnx_runtime import computed_in_float, runtime_agreement, session_notes
from npusim.quantize.quantized import layers_of, quantized_graph
from npusim.quantize.ranges import RANGES
from npusim.quantize.report import (
    QuantizationReport,
    layer_reports,
    range_notes,
    weight_bytes_of,
)
from npusim.quantize.running import Runner
from npusim.quantize.scheme import Scheme, scheme_named

Arrays = Mapping[str, np.ndarray]
StrPath = str | os.PathLike[str]

WRITTEN = "onnx"
"""The profile of what is written; a model of TFLite brings another one."""
JUDGED = 32
"""Samples of the calibration that a report is made of, where no others are given."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized graph, the ONNX file that holds it, and what was lost."""

    graph: Graph
    content: bytes
    report: QuantizationReport


def prepared(model: api.Model | StrPath) -> Graph:
    """The float graph of `model` with the arithmetic of ONNX, which is what is written.

    ModelFileError for constants that are NaN or infinite, UnsupportedModelError for a model that
    has nothing to quantize or is quantized already.
    """
    loaded = model if isinstance(model, api.Model) else api.load_model(model)
    graph = replace(loaded.graph, profile=WRITTEN)
    Runner(graph)
    stored = [tensor.name for tensor in graph.tensors.values() if tensor.quantization is not None]
    if stored:
        what = f"is quantized already ('{stored[0]}'); a float model is needed"
        raise UnsupportedModelError(Problem(f"model '{graph.name}'", what))
    if not layers_of(graph):
        what = "has no operator that computes on float32"
        raise UnsupportedModelError(Problem(f"model '{graph.name}'", what))
    broken = [
        Problem(f"constant '{tensor.name}'", "holds NaN or infinity")
        for tensor in graph.constants()
        if tensor.data is not None
        and tensor.data.dtype.kind == "f"
        and not np.isfinite(tensor.data).all()
        and any(tensor.name in node.inputs[1:3] for node in graph.nodes if not node.op.moves)
    ]
    if broken:
        raise ModelFileError(broken)
    return graph


def _require_writable(graph: Graph) -> None:
    """UnsupportedModelError, before anything is executed, for operators that can't be written."""
    problems = [
        Problem(f"node '{node.name}' ({node.op.kind})", "this operator is not written as ONNX")
        for node in graph.nodes
        if node.op.kind not in WRITERS
    ]
    if problems:
        raise UnsupportedModelError(problems)


def quantize(
    model: api.Model | StrPath,
    calibration: Arrays | None = None,
    scheme: Scheme | str = "w8a8",
    range_method: str = "minmax",
    equalize: bool = False,
    correct_bias: bool = False,
    judged_on: Arrays | None = None,
    labels: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Quantized:
    """`model`, a float one, in the formats of `scheme`.

    `calibration` holds the samples that ranges come from, by the names of the model's inputs, with
    N times as many rows as one inference has. `equalize` evens the weights of neighbouring layers
    out first (`equalization.py`), `correct_bias` takes shifts of means back into the biases
    (`bias_correction.py`): both change the model's numbers, not its operators. The report is made
    on `judged_on`, which `labels` (int [N]) may belong to; by default on some of the calibration
    samples.
    """
    chosen = scheme_named(scheme) if isinstance(scheme, str) else scheme
    if range_method not in RANGES:
        hint = nearest_name(range_method, tuple(RANGES))
        what = f"unknown way '{range_method}'{hint}; known: {', '.join(RANGES)}"
        raise UsageError(Problem("--range", what))
    graph = prepared(model)
    _require_writable(graph)
    samples = [] if calibration is None else list(api.inferences(graph, calibration))
    if chosen.needs_calibration and not samples:
        what = "missing: ranges of activations come from samples, about a hundred"
        raise UsageError(Problem("--calibration", what))
    source, notes = graph, []
    if equalize:
        evened = equalized(graph, samples)
        source = evened.graph
        notes.append(_equalization_note(evened))
    if correct_bias:
        _require_correctable(chosen, samples)
        source = with_biases(source)
    seen = calibrate(source, samples, progress) if samples else None
    made = quantized_graph(source, chosen, seen, range_method)
    if correct_bias:
        made = corrected(source, made, samples)
        notes.append("biases are corrected for the mean of what quantization shifts")
    judging = _Judging(graph, source, _judged(graph, samples, judged_on), labels)
    report = QuantizationReport(
        graph.name, str(chosen), range_method if chosen.needs_calibration else "",
        0 if seen is None else seen.samples, len(judging.samples), weight_bytes_of(graph),
        weight_bytes_of(made), None, None, (), tuple(computed_in_float(made)),
        notes=(*range_notes(source, seen), *notes, *session_notes(made)),
    )  # fmt: skip
    content = written(made)
    return Quantized(made, content, judging.completed(report, made, content, seen))


def _equalization_note(evened: Equalized) -> str:
    note = f"weights are equalized over {evened.pairs} pairs of layers"
    if not evened.behind_relu6:
        return note
    return (
        f"{note}; {evened.behind_relu6} of them have a ReLU6 between, where channels that come "
        "near 6 on the samples keep their scale"
    )


def _require_correctable(scheme: Scheme, samples: Sequence[Arrays]) -> None:
    """UsageError where there is nothing to find means with, or no bias to put them in."""
    if not samples:
        what = "missing: means come from samples, about a hundred"
        raise UsageError(Problem("--calibration", what))
    if scheme.dynamic:
        what = "scales that are found at run time leave no bias beside the sums to correct"
        raise UsageError(Problem("--correct-bias", what))


def written(graph: Graph) -> bytes:
    """`graph` as an ONNX file; UnsupportedModelError if what is read from it is another graph."""
    content: bytes = onnx_model(graph).SerializeToString()
    again = read_onnx_bytes(content, Path(f"{graph.name}.onnx"))
    if _signature(again) != _signature(graph):
        what = "the written file would not be read as the same operators in the same formats"
        raise UnsupportedModelError(Problem(f"model '{graph.name}'", what))
    return content


def _signature(graph: Graph) -> list[tuple[str, ...]]:
    """Operators in order, with the formats of what they read and write.

    Those that only move values are left out: from another framework's order of axes to ONNX's there
    are some more of them.
    """
    return [
        (node.op.kind, *(graph.tensors[n].format.name for n in (*node.inputs, *node.outputs) if n))
        for node in graph.nodes
        if not node.op.moves
    ]


def _judged(graph: Graph, samples: Sequence[Arrays], others: Arrays | None) -> list[Arrays]:
    if others is not None:
        return list(api.inferences(graph, others))
    step = max(len(samples) // JUDGED, 1)
    return list(samples[::step][:JUDGED])


@dataclass(frozen=True)
class _Judging:
    """`exact` is the model as it was given, `source` the float graph that was quantized."""

    exact: Graph
    source: Graph
    samples: Sequence[Arrays]
    labels: np.ndarray | None

    def completed(
        self, report: QuantizationReport, made: Graph, content: bytes, seen: Calibration | None
    ) -> QuantizationReport:
        """`report` with all that executing both graphs tells; as it is without samples."""
        if not self.samples:
            return report
        expected = Runner(self.exact).outputs(self.samples)
        stored = Runner(made).outputs(self.samples)
        found = {name: real_of(array, made.tensors[name]) for name, array in stored.items()}
        few, many = self.samples[:JUDGED], len(self.samples)
        noises = layer_noises(self.source, made, few)
        part = {name: array[: len(array) * len(few) // many] for name, array in stored.items()}
        labels = self.labels
        return replace(
            report,
            sqnr_db=sqnr_between(expected, found),
            agreement=agreement_between(expected, found, many),
            layers=layer_reports(made, self.source, noises, seen),
            runtime=runtime_agreement(content, made, few, part),
            accuracy=None if labels is None else accuracy_of(found, labels),
            float_accuracy=None if labels is None else accuracy_of(expected, labels),
        )
