"""ResNet-18 and MobileNetV2 as ONNX Runtime quantizes them: 0 wrong elements, layer by layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from npusim.frontend.onnx import read_onnx
from npusim.kernels.table import native_available
from tests.support.evaluate import evaluate
from tests.support.onnx_models import (
    expose,
    mobilenet_v2,
    quantize,
    random_inputs,
    resnet18,
    session,
    wrong_elements,
)

NETWORKS = {"resnet18": resnet18, "mobilenet_v2": mobilenet_v2}
FAST = "c" if native_available() else "numba"
"""The kernels' own tests hold them equal to the reference."""


def _check(
    tmp_path: Path, network: str, size: int, fmt: str, inputs: int, **options: object
) -> None:
    """No element differs: every integer tensor exposed, and the model as it is."""
    int8 = options.get("activations") == "int8"
    model = NETWORKS[network](size, gemm=not int8)
    path = quantize(model, tmp_path, fmt, **options)
    graph = read_onnx(path)
    whole, exposed = session(path, int8=int8), session(expose(path, graph), int8=int8)
    stored = [name for name, tensor in graph.tensors.items() if tensor.format.bits == 8]
    computed = [name for name in stored if not graph.tensors[name].is_constant]
    assert len(exposed.get_outputs()) > len(computed)
    for sample in random_inputs(model, inputs):
        for oracle in (whole, exposed):
            wrong = wrong_elements(graph, oracle, sample, path=FAST)
            assert {name: count for name, count in wrong.items() if count} == {}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
def test_per_channel(tmp_path: Path, network: str, fmt: str) -> None:
    _check(tmp_path, network, 64, fmt, inputs=3)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
@pytest.mark.parametrize(
    "options",
    [
        {"per_channel": False},
        {"activations": "int8"},
        {"activations": "int8", "per_channel": False},
        {"weights": "uint8", "per_channel": False},
    ],
    ids=["per tensor", "int8", "int8 per tensor", "uint8 weights"],
)
def test_other_quantizations(
    tmp_path: Path, network: str, fmt: str, options: dict[str, object]
) -> None:
    _check(tmp_path, network, 64, fmt, inputs=5, **options)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
def test_full_size(tmp_path: Path, network: str, fmt: str) -> None:
    _check(tmp_path, network, 224, fmt, inputs=10)


@pytest.mark.slow
@pytest.mark.parametrize("opset", [11, 12, 13, 18, 21, 23])
def test_opsets(tmp_path: Path, opset: int) -> None:
    model = mobilenet_v2(32, opset)
    for fmt in ("qdq", "qoperator"):
        per_channel = fmt == "qoperator" or opset >= 13  # scales per channel came with opset 13
        path = quantize(model, tmp_path, fmt, per_channel=per_channel)
        graph, oracle = read_onnx(path), session(path)
        for sample in random_inputs(model, 5):
            assert not any(wrong_elements(graph, oracle, sample, path=FAST).values())


@pytest.mark.parametrize("network", NETWORKS)
def test_every_product_against_the_reference_evaluator(tmp_path: Path, network: str) -> None:
    """QLinearConv and QLinearMatMul, each on the inputs that it has in the network.

    The evaluator multiplies in float64, where ONNX Runtime rounds the accumulator's product with
    the scale to float32. The two may differ where the product lies within a float32 rounding of a
    tie, and nowhere else.
    """
    model = NETWORKS[network](32, gemm=False)
    path = quantize(model, tmp_path, "qoperator")
    quantized = onnx.load(path)
    values = evaluate(read_onnx(path), random_inputs(model, 1)[0], path=FAST)
    constants = quantized.graph.initializer
    values.update((constant.name, numpy_helper.to_array(constant)) for constant in constants)
    compared = 0
    for node in quantized.graph.node:
        if node.op_type not in ("QLinearConv", "QLinearMatMul"):
            continue
        feeds = {name: values[name] for name in node.input}
        (expected,) = ReferenceEvaluator(node).run(None, feeds)
        found = values[node.output[0]]
        wrong = expected != found
        assert np.all(_distance_to_tie(node, feeds)[wrong] < 2.0**-22), node.name
        compared += 1
    assert compared >= 21


def _distance_to_tie(node: onnx.NodeProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """How far the exact product lies from a half-integer, relative to its size."""
    x, sx, zx, w, sw, zw, sy, _ = (feeds[name] for name in node.input[:8])
    op = "ConvInteger" if node.op_type == "QLinearConv" else "MatMulInteger"
    names = [node.input[0], node.input[3], node.input[2], node.input[5]]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    zero = np.zeros_like(zw.reshape(-1)[:1]).reshape(())
    assert not np.any(zw)
    integer = onnx.helper.make_node(op, names, ["acc"], **attributes)
    given = {names[0]: x, names[1]: w, names[2]: zx, names[3]: zero}
    (acc,) = ReferenceEvaluator(integer).run(None, given)
    scale = np.float64(sx) * np.asarray(sw, np.float64) / np.float64(sy)
    if node.op_type == "QLinearConv":
        scale = scale.reshape(-1, 1, 1)
        if len(node.input) > 8:
            acc = acc + feeds[node.input[8]].reshape(-1, 1, 1)
    real = acc * scale
    return np.abs(np.abs(real - np.floor(real)) - 0.5) / np.maximum(np.abs(real), 1.0)
