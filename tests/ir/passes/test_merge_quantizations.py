"""Several quantizations of one tensor, as one for each reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.frontend.onnx import read_onnx
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.passes.merge_quantizations import merge_quantizations
from tests.support.evaluate import evaluate
from tests.support.onnx_models import NetworkBuilder, quantize, random_inputs, session
from tests.support.pass_graphs import Graphs, shown


def _branches(tmp_path: Path, **options: object) -> Path:
    """A convolution that two others read, whose results are added."""
    b = NetworkBuilder(4)
    x = b.conv("image", 3, 4, 3)
    y = b.node("Add", [b.conv(x, 4, 4, 3), b.conv(x, 4, 4, 1)])
    model = b.model({"image": (1, 3, 8, 8)}, {y: (1, 4, 8, 8)})
    return quantize(model, tmp_path, "qdq", extra_options=options)


@pytest.mark.parametrize("dedicated", [True, False])
def test_a_tensor_is_quantized_once_for_all_readers(tmp_path: Path, dedicated: bool) -> None:
    path = _branches(tmp_path, DedicatedQDQPair=dedicated)
    graph = read_onnx(path)
    kinds = [node.op.kind for node in graph.nodes]
    assert kinds == ["quantize", *["conv2d"] * 3, "add", "dequantize"]


def test_tensors_of_other_scales_stay_apart(tmp_path: Path) -> None:
    path = _branches(tmp_path, DedicatedQDQPair=True)
    model = onnx.load(path)
    pairs = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    twins = [node for node in pairs if sum(n.input[0] == node.input[0] for n in pairs) > 1]
    coarse = onnx.numpy_helper.from_array(np.float32(0.25), "coarse")
    model.graph.initializer.append(coarse)
    readers = [n for n in model.graph.node if n.input and n.input[0] == twins[0].output[0]]
    for node in (twins[0], *readers):
        node.input[1] = "coarse"
    onnx.save(model, path)
    graph = read_onnx(path)
    assert sum(node.op.kind == "quantize" for node in graph.nodes) == 3


def test_a_merged_network_equals_onnx_runtime(tmp_path: Path) -> None:
    path = _branches(tmp_path, DedicatedQDQPair=True)
    graph = read_onnx(path)
    for sample in random_inputs(onnx.load(path), 3):
        (expected,) = session(path).run(None, sample)
        np.testing.assert_array_equal(evaluate(graph, sample)[graph.outputs[0]], expected)


def test_quantizations_that_treat_large_numbers_otherwise_are_not_one() -> None:
    g = Graphs()
    g.input("x", (2, 3))
    g.node(Quantize(), ["x"], "a", scale=0.5)
    g.node(Quantize(saturate=False), ["x"], "b", scale=0.5)
    for name in ("a", "b"):
        g.node(Dequantize(), [name], f"{name}_real")
    graph = merge_quantizations(g.graph("a_real", "b_real"))
    assert [kind for kind, _, _ in shown(graph)].count("quantize") == 2
