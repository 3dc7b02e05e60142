"""Formats that go together, and layers of several formats side by side."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_calibration
from npusim.quantize import (
    Calibration,
    LayerFormats,
    Reference,
    Scheme,
    calibrate,
    prepared,
    quantized_graph,
    scheme_named,
    written,
)
from npusim.quantize.onnx_runtime import computed_in_float, runtime_agreement
from npusim.quantize.scheme import kept_in, parse_activations, parse_weights

Samples = list[dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return prepared("digits-float")


@pytest.fixture(scope="module")
def samples(graph: Graph) -> Samples:
    few = {name: array[:12] for name, array in bundled_calibration().items()}
    return list(api.inferences(graph, few))


@pytest.fixture(scope="module")
def seen(graph: Graph, samples: Samples) -> Calibration:
    return calibrate(graph, samples)


def formats(weights: str, activations: str) -> LayerFormats:
    return LayerFormats(parse_weights(weights), parse_activations(activations))


@pytest.mark.parametrize("weights", ["int8:per-tensor", "int8:per-channel"])
@pytest.mark.parametrize("activations", ["uint8", "uint8:symmetric", "int8", "int8:asymmetric"])
def test_8_bit_integers_of_all_kinds_are_exact_in_onnx_runtime(
    graph: Graph, seen: Calibration, samples: Samples, weights: str, activations: str
) -> None:
    pytest.importorskip("onnxruntime")
    pair = formats(weights, activations)
    made = quantized_graph(graph, Scheme(pair.weights, pair.activations), seen)
    assert computed_in_float(made) == []
    outputs = Reference(graph, samples).outputs_of(made)
    found = runtime_agreement(written(made), made, samples, outputs)
    assert found is not None and found.wrong == 0


def test_layers_of_several_formats_are_one_file(
    graph: Graph, seen: Calibration, samples: Samples
) -> None:
    """Conversions stand between them; each product has its own formats."""
    pytest.importorskip("onnxruntime")
    layers = {
        "widen": formats("int4:per-block", "uint8"), "block1_depthwise": formats("int8", "int16"),
        "block1_pointwise": formats("fp8-e4m3", "fp8-e4m3"), "down_depthwise": kept_in("fp16"),
        "classifier": kept_in("fp32"),
    }  # fmt: skip
    made = quantized_graph(graph, Scheme(layers=layers), seen)
    nodes = {node.name: node for node in made.nodes}
    stored = {
        name: tuple(made.tensors[t].format.name for t in (*nodes[name].inputs[:2],
                                                        *nodes[name].outputs))
        for name in layers
    }  # fmt: skip
    assert stored == {
        "widen": ("uint8", "int4", "uint8"), "block1_depthwise": ("int16", "int8", "int16"),
        "block1_pointwise": ("fp8_e4m3", "fp8_e4m3", "fp8_e4m3"),
        "down_depthwise": ("fp16", "fp16", "fp16"), "classifier": ("fp32", "fp32", "fp32"),
    }  # fmt: skip
    reference = Reference(graph, samples)
    assert reference.sqnr_db(made) > 15
    found = runtime_agreement(written(made), made, samples, reference.outputs_of(made))
    assert found is not None and set(layers) <= set(computed_in_float(made)) | {"classifier"}


@pytest.mark.parametrize(
    ("weights", "activations"),
    [("int8", "fp8-e4m3"), ("fp8-e4m3", "uint8"), ("int4", "fp16"), ("fp8-e4m3:per-block", "fp32")],
)
def test_formats_that_do_not_go_together_are_refused(
    graph: Graph, seen: Calibration, weights: str, activations: str
) -> None:
    pair = formats(weights, activations)
    with pytest.raises(UnsupportedModelError, match=r"layer 'stem': .*not supported") as caught:
        quantized_graph(graph, Scheme(pair.weights, pair.activations), seen)
    assert len(caught.value.problems) == 8  # every layer with weights


def test_residual_values_are_converted_once(graph: Graph, seen: Calibration) -> None:
    """A tensor that readers of two formats share is quantized once for each."""
    scheme = scheme_named("w8a8").with_layer("block1_depthwise", formats("int8", "int16"))
    made = quantized_graph(graph, scheme, seen)
    assert sum(node.op.kind == "requantize" for node in made.nodes) == 2


def test_notes_of_the_float_graph_are_not_kept(graph: Graph, seen: Calibration) -> None:
    assert any("compute in float32" in note for note in graph.notes)
    assert quantized_graph(graph, scheme_named("w8a8"), seen).notes == ()
