"""The digits network from float32 to every scheme: it runs in ONNX Runtime, and what is lost."""

from __future__ import annotations

import numpy as np
import pytest

from npusim import api
from npusim.errors import ModelFileError, UnsupportedModelError, UsageError
from npusim.ir.graph import Graph
from npusim.models.bundled import bundled_calibration, bundled_samples
from npusim.quantize import (
    SCHEMES,
    Quantized,
    Reference,
    calibrate,
    layers_of,
    prepared,
    quantize,
    quantized_graph,
    scheme_named,
)
from npusim.quantize.scheme import kept_in
from tests.support.shared import shared_path

EXACT = ("w8a8", "w8a8-per-tensor", "dynamic")


@pytest.fixture(scope="module")
def float_graph() -> Graph:
    return prepared("digits-float")


@pytest.fixture(scope="module")
def quantized() -> Quantized:
    samples = bundled_samples()
    return quantize(
        "digits-float", bundled_calibration(), judged_on=samples.inputs, labels=samples.labels
    )


def few() -> dict[str, np.ndarray]:
    return {name: array[:12] for name, array in bundled_calibration().items()}


def test_int8_is_within_a_third_of_a_point_of_float(quantized: Quantized) -> None:
    report = quantized.report
    assert report.accuracy is not None and report.float_accuracy is not None
    assert report.accuracy["samples"] == 500
    assert report.accuracy["accuracy"] >= report.float_accuracy["accuracy"] - 0.003


def test_int8_equals_onnx_runtime_to_the_bit(quantized: Quantized) -> None:
    pytest.importorskip("onnxruntime")
    runtime = quantized.report.runtime
    assert runtime is not None and runtime.elements == 320
    assert runtime.wrong == 0
    assert quantized.report.float_in_runtime == ()


def test_every_layer_is_in_the_report(quantized: Quantized, float_graph: Graph) -> None:
    assert tuple(layer.name for layer in quantized.report.layers) == layers_of(float_graph)
    for layer in quantized.report.layers:
        assert layer.alone_db >= layer.sqnr_db - 3, layer.name


def test_ranges_of_extremes_saturate_nothing_that_was_seen() -> None:
    layers = quantize("digits-float", few()).report.layers
    assert {layer.saturated for layer in layers} == {0}


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_runs_in_onnx_runtime(name: str) -> None:
    pytest.importorskip("onnxruntime")
    report = quantize("digits-float", few(), name).report
    assert report.runtime is not None
    assert (report.runtime.wrong == 0) == (name in EXACT) or report.float_in_runtime
    assert bool(report.float_in_runtime) != (name in EXACT)
    assert any("ORT_ENABLE_BASIC" in note for note in report.notes) == name.startswith("fp8")


def test_more_bits_lose_less() -> None:
    graph = prepared("digits-float")
    samples = list(api.inferences(graph, few()))
    seen, reference = calibrate(graph, samples), Reference(graph, samples)
    lost = {
        name: reference.sqnr_db(quantized_graph(graph, scheme_named(name), seen))
        for name in ("w3a8", "w4a8", "w8a8", "w8a16", "fp16")
    }
    assert list(lost.values()) == sorted(lost.values())


def test_kept_layers_keep_their_format(float_graph: Graph) -> None:
    samples = list(api.inferences(float_graph, few()))
    scheme = scheme_named("w8a8").with_layer("classifier", kept_in("fp32"))
    made = quantized_graph(float_graph, scheme, calibrate(float_graph, samples))
    node = next(node for node in made.nodes if node.name == "classifier")
    assert made.tensors[node.inputs[1]].format.name == "fp32"
    between = scheme.with_layer("widen", kept_in("fp32"))
    with pytest.raises(UnsupportedModelError, match="'widen': can't stay float32 between"):
        quantized_graph(float_graph, between, calibrate(float_graph, samples))


def test_what_is_missing_or_wrong_is_said() -> None:
    with pytest.raises(UsageError, match="--calibration: missing"):
        quantize("digits-float")
    with pytest.raises(UsageError, match="did you mean 'classifier'"):
        scheme = scheme_named("w8a8").with_layer("clasifier", kept_in("fp32"))
        quantize("digits-float", few(), scheme)
    with pytest.raises(UnsupportedModelError, match="quantized already"):
        quantize("digits", few())
    with pytest.raises(UsageError, match="expected"):
        quantize("digits-float", {"image": np.zeros((3, 1, 9, 9), np.float32)})
    broken = {"image": np.full((2, 1, 8, 8), np.nan, np.float32)}
    with pytest.raises(UsageError, match="sample 0: 'image' is NaN"):
        quantize("digits-float", broken)


def test_broken_weights_are_named(float_graph: Graph) -> None:
    tensor = float_graph.tensors["stem.weight"]
    assert tensor.data is not None
    data = tensor.data.copy()
    data.flat[0] = np.inf
    changed = api.Model(_with(float_graph, tensor.name, data))
    with pytest.raises(ModelFileError, match=r"'stem.weight': holds NaN or infinity"):
        quantize(changed, few())


def test_constant_activations_are_said(float_graph: Graph) -> None:
    report = quantize("digits-float", {"image": np.zeros((4, 1, 8, 8), np.float32)}).report
    assert any("constant over all calibration samples: 'image' (0)" in x for x in report.notes)


def _with(graph: Graph, name: str, data: np.ndarray) -> Graph:
    from dataclasses import replace

    tensors = {**graph.tensors, name: replace(graph.tensors[name], data=data)}
    return replace(graph, tensors=tensors)


def test_a_float_model_of_tflite_is_written_as_onnx_and_equals_onnx_runtime() -> None:
    """Its file has its own order of axes and its own arithmetic; what is written has ONNX's."""
    pytest.importorskip("onnxruntime")
    path = shared_path("data", "models", "mlperf_tiny_vww_96_float.tflite")
    images = np.random.default_rng(0).uniform(0, 1, (2, 96, 96, 3)).astype(np.float32)
    made = quantize(path, {"input_1": images})
    assert made.graph.profile == "onnx"
    assert made.report.runtime is not None and made.report.runtime.wrong == 0
    assert made.report.float_in_runtime == ()
