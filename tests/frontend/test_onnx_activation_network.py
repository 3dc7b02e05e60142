"""A network with every kind of activation, quantized by ONNX Runtime: no wrong element anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import (
    NetworkBuilder,
    expose,
    quantize,
    random_inputs,
    session,
    wrong_elements,
)


def activation_network() -> onnx.ModelProto:
    """Inverted residual, squeeze and excite, swish, and pointwise layers with other functions."""
    b = NetworkBuilder(seed=3)
    x = b.node("HardSwish", [b.conv("image", 3, 16, 3, stride=2)])
    x = b.node("HardSwish", [b.conv(x, 16, 16, 3, groups=16)])
    gate = b.node("Relu", [b.conv(b.node("GlobalAveragePool", [x]), 16, 8, 1)])
    gate = b.node("HardSigmoid", [b.conv(gate, 8, 16, 1)], alpha=1 / 6, beta=0.5)
    y = b.conv(b.node("Mul", [x, gate]), 16, 24, 3)
    x = b.node("Mul", [y, b.node("Sigmoid", [y])])
    x = b.node("LeakyRelu", [b.conv(x, 24, 24, 3, stride=2)], alpha=0.1)
    slopes = b.constant("slopes", b.random.uniform(-0.2, 0.5, (24, 1, 1)))
    x = b.node("PRelu", [b.conv(x, 24, 24, 1), slopes])
    x = b.node("Tanh", [b.conv(x, 24, 16, 1)])
    bounds = b.constant("low", -0.7), b.constant("high", 1.9)
    x = b.node("Clip", [b.conv(x, 16, 16, 1), *bounds])
    for op in ("Gelu", "Elu", "Softplus"):
        x = b.node(op, [b.conv(x, 16, 16, 1)])
    out = b.dense(b.node("Flatten", [b.node("GlobalAveragePool", [x])]), 16, 10)
    return b.model({"image": (1, 3, 24, 24)}, {out: (1, 10)}, opset=20)


@pytest.mark.parametrize(
    ("fmt", "activations"), [("qdq", "uint8"), ("qdq", "int8"), ("qoperator", "uint8")]
)
def test_every_layer_equals_onnx_runtime(tmp_path: Path, fmt: str, activations: str) -> None:
    model = activation_network()
    path = quantize(model, tmp_path, fmt, activations=activations)
    graph = read_onnx(path)
    oracle = session(expose(path, graph), int8=activations == "int8")
    for seed in range(3):
        wrong = wrong_elements(graph, oracle, random_inputs(model, 1, seed)[0])
        assert not any(wrong.values()), {name: count for name, count in wrong.items() if count}


def test_all_of_it_runs_on_stored_integers(tmp_path: Path) -> None:
    graph = read_onnx(quantize(activation_network(), tmp_path, "qdq"))
    inside = graph.nodes[1:-1]
    assert graph.nodes[0].op.kind == "quantize" and graph.nodes[-1].op.kind == "dequantize"
    assert all(
        np.issubdtype(graph.tensors[node.outputs[0]].format.dtype, np.integer) for node in inside
    )
    assert "clip" not in {node.op.kind for node in inside}
