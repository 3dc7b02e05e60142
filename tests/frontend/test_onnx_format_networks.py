"""Networks in Q/DQ form as ONNX Runtime's quantizer writes them, in every format that it has.

Activations int16 or uint16, weights int4, and both sides float8: read as they are, fused into
operators on stored numbers, each counted at the rate of its own formats, and executed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from npusim import api
from npusim.frontend.onnx import read_onnx
from npusim.ir.graph import Graph
from tests.support.evaluate import evaluate
from tests.support.onnx_models import NetworkBuilder, _Reader, random_inputs

FLOAT8 = QuantType.QFLOAT8E4M3FN
FORMS: dict[str, tuple[QuantType, QuantType, str, str, str]] = {
    "int16": (QuantType.QInt16, QuantType.QInt8, "int16", "int8", "int32"),
    "uint16": (QuantType.QUInt16, QuantType.QInt8, "uint16", "int8", "int32"),
    "int4 weights": (QuantType.QInt8, QuantType.QInt4, "int8", "int4", "int32"),
    "int16 and int4": (QuantType.QInt16, QuantType.QInt4, "int16", "int4", "int32"),
    "float8": (FLOAT8, FLOAT8, "fp8_e4m3", "fp8_e4m3", "fp32"),
}
"""Types of activations and weights, and the formats of x, w and bias that they become."""
MIXED = "edge-npu-1-mixed"
"""A hardware with a rate for each of these formats."""


def network() -> onnx.ModelProto:
    """A stem, a residual block with a depthwise layer, a pooling and a classifier."""
    net = NetworkBuilder(seed=5)
    x = net.node("Relu", [net.conv("x", 3, 16, 3, stride=2)])
    inner = net.node("Relu", [net.conv(x, 16, 32, 1)])
    inner = net.node("Clip", [net.conv(inner, 32, 32, 3, groups=32), zero(net), six(net)])
    x = net.node("Add", [x, net.conv(inner, 32, 16, 1)])
    x = net.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    y = net.dense(x, 16, 10)
    return net.model({"x": (1, 3, 16, 16)}, {y: (1, 10)}, opset=21)


def zero(net: NetworkBuilder) -> str:
    return net.constant("zero", 0.0)


def six(net: NetworkBuilder) -> str:
    return net.constant("six", 6.0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network in each form."""
    folder = tmp_path_factory.mktemp("networks")
    model = network()
    onnx.save(model, folder / "float.onnx")
    found = {}
    for form, (activations, weights, *_) in FORMS.items():
        found[form] = folder / f"{form}.onnx"
        method = CalibrationMethod.Distribution if form == "float8" else CalibrationMethod.MinMax
        quantize_static(
            str(folder / "float.onnx"), str(found[form]), _Reader(random_inputs(model, 4, seed=1)),
            quant_format=QuantFormat.QDQ, activation_type=activations, weight_type=weights,
            per_channel=form != "float8", calibrate_method=method,
        )  # fmt: skip
    return found


def as_written(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on each node as it is: its optimizer makes a QLinearConv of float8, which it
    then calls invalid."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options)


def kinds(graph: Graph) -> Counter[str]:
    return Counter(node.op.kind for node in graph.nodes)


@pytest.mark.parametrize("form", FORMS)
def test_every_operator_is_on_stored_numbers(models: dict[str, Path], form: str) -> None:
    _, _, activation, weight, bias = FORMS[form]
    graph = read_onnx(models[form])
    found = kinds(graph)
    assert found["quantize"] == found["dequantize"] == 1
    assert found["conv2d"] == 4 and found["fully_connected"] == 1 and found["add"] == 1
    for node in graph.nodes:
        if node.op.kind in ("conv2d", "fully_connected"):
            names = (*node.inputs, node.outputs[0])
            formats = [graph.tensors[name].format.name for name in names]
            assert formats == [activation, weight, bias, activation], node.name
    assert not any("compute in float32" in note for note in graph.notes)


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_the_stored_ones(models: dict[str, Path], form: str) -> None:
    stored = {
        each.name: numpy_helper.to_array(each) for each in onnx.load(models[form]).graph.initializer
    }
    graph = read_onnx(models[form])
    for node in graph.nodes:
        if node.op.kind != "conv2d":
            continue
        tensor = graph.tensors[node.inputs[1]]
        assert tensor.data is not None and tensor.quantization is not None
        given = np.moveaxis(stored[tensor.name].astype(np.float32), 1, -1)
        scale = tensor.quantization.scale
        per_channel = scale.reshape(-1, *[1] * (tensor.data.ndim - 1)) if scale.size > 1 else scale
        real = tensor.quantization.real(tensor.data, tensor.format)
        np.testing.assert_array_equal(real, given * per_channel)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_counted_at_its_own_rate(models: dict[str, Path], form: str) -> None:
    model = api.load_model(models[form])
    report = api.simulate(model, api.load_hardware(MIXED))
    assert {layer.on for layer in report.layers} == {"npu"}
    bits = {"int16": 8, "uint16": 8, "int4 weights": 4, "int16 and int4": 4, "float8": 8}[form]
    sizes = [tensor.size_bytes for tensor in model.graph.constants() if len(tensor.shape) == 4]
    assert sum(sizes) == (3 * 16 * 9 + 16 * 32 + 32 * 9 + 32 * 16) * bits // 8


@pytest.mark.parametrize("form", ["int16", "uint16", "int4 weights", "int16 and int4"])
def test_integer_forms_are_within_a_step_a_layer(models: dict[str, Path], form: str) -> None:
    """The runtime has no kernels for these: it sums float32 products of what the numbers stand for.

    Sums on the array are exact, so a result can be one step of its scale away, layer by layer.
    """
    model = api.load_model(models[form])
    graph = model.graph
    last = next(node for node in graph.nodes if node.op.kind == "dequantize")
    quantization = graph.tensors[last.inputs[0]].quantization
    assert quantization is not None
    layers = sum(node.op.kind not in ("reshape", "max_pool") for node in graph.nodes)
    for given in random_inputs(network(), 4, seed=3):
        (found,) = api.execute(model, api.load_hardware(MIXED), given).outputs.values()
        (expected,) = as_written(models[form]).run(None, given)
        steps = np.rint(np.abs(found - expected) / quantization.scalar_scale)
        assert steps.max() <= layers
        assert found.std() > 100 * steps.mean() * quantization.scalar_scale


def test_float8_on_the_host_is_onnx_runtime_to_the_bit(models: dict[str, Path]) -> None:
    """Decoded, computed in float32, rounded: what the runtime does between its borders."""
    graph = read_onnx(models["float8"])
    oracle = as_written(models["float8"])
    for given in random_inputs(network(), 4, seed=3):
        found = evaluate(graph, given)
        (expected,) = oracle.run(None, given)
        np.testing.assert_array_equal(found[graph.outputs[0]], expected)


def test_float8_on_the_array_differs_by_roundings_only(models: dict[str, Path]) -> None:
    model = api.load_model(models["float8"])
    hardware = api.load_hardware(MIXED)
    for given in random_inputs(network(), 4, seed=3):
        (found,) = api.execute(model, hardware, given).outputs.values()
        (expected,) = as_written(models["float8"]).run(None, given)
        # one step of E4M3 is at most an eighth of the number; sums that round apart move few
        assert np.mean(found != expected) <= 0.1
        np.testing.assert_allclose(found, expected, rtol=1 / 8, atol=np.abs(expected).max() / 64)
