"""Corrected biases: means are those of the float run, whatever the format of the bias."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_calibration
from npusim.quantize import (
    Reference,
    calibrate,
    prepared,
    quantize,
    quantized_graph,
    scheme_named,
)
from npusim.quantize.bias_correction import corrected, with_biases


def few() -> dict[str, np.ndarray]:
    return {name: array[:24] for name, array in bundled_calibration().items()}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return prepared("digits-float")


@pytest.mark.parametrize("name", ["w8a8-per-tensor", "w3a8", "fp8-e5m2", "w4"])
def test_it_brings_means_nearer(graph: Graph, name: str) -> None:
    samples = list(api.inferences(graph, few()))
    made = quantized_graph(graph, scheme_named(name), calibrate(graph, samples))
    better = corrected(graph, made, samples)
    reference = Reference(graph, samples)
    gaps = [
        np.abs((one["logits"] - reference.outputs["logits"]).mean(axis=0)).max()
        for one in map(reference.outputs_of, (made, better))
    ]
    assert gaps[1] < gaps[0]
    if name.startswith("w"):  # of 8-bit floats the noise is not in the means
        assert reference.sqnr_db(better) > reference.sqnr_db(made)


def test_only_biases_change(graph: Graph) -> None:
    samples = list(api.inferences(graph, few()))
    made = quantized_graph(graph, scheme_named("w8a8"), calibrate(graph, samples))
    better = corrected(graph, made, samples)
    changed = {
        name
        for name, tensor in made.tensors.items()
        if tensor.data is not None and not np.array_equal(tensor.data, better.tensors[name].data)
    }
    assert changed and changed <= {node.inputs[2] for node in made.nodes if len(node.inputs) > 2}


def test_layers_without_a_bias_get_one(graph: Graph) -> None:
    from dataclasses import replace

    bare = replace(
        graph,
        nodes=tuple(
            replace(node, inputs=node.inputs[:2]) if node.name == "widen" else node
            for node in graph.nodes
        ),
    )
    node = next(node for node in with_biases(bare).nodes if node.name == "widen")
    data = with_biases(bare).tensors[node.inputs[2]].data
    assert data is not None and not data.any()
    drawn = [api.random_inputs(graph)]
    assert Reference(bare, drawn).sqnr_db(with_biases(bare)) == np.inf


def test_the_corrected_file_is_what_onnx_runtime_computes() -> None:
    pytest.importorskip("onnxruntime")
    scheme = "w8a8-per-tensor"
    plain = quantize("digits-float", few(), scheme).report
    done = quantize("digits-float", few(), scheme, equalize=True, correct_bias=True).report
    assert done.runtime is not None and done.runtime.wrong == 0
    assert done.sqnr_db is not None and plain.sqnr_db is not None
    assert done.sqnr_db > plain.sqnr_db + 1
    assert any("equalized over 3 pairs" in note for note in done.notes)
