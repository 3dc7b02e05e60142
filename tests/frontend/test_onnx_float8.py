"""Operators between float8 dequantizations and quantizations: ONNX Runtime's codes.

The runtime has no float8 kernels but the two borders: it computes in float32 between them, and so
does npusim on a host. All codes are the same, but for averages and matrix products, where a sum in
another order can move a rounding.
"""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from npusim.frontend.onnx import read_onnx_bytes
from npusim.ir.graph import Graph
from npusim.numerics.formats import FP8_E4M3, FP32
from tests.support.evaluate import evaluate

SHAPE = (2, 8, 16, 16)
E4M3 = T.FLOAT8E4M3FN
PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])
OPERATORS: dict[str, tuple[str, int, list[np.ndarray], dict[str, object]]] = {
    **{op: (op, 2, [], {}) for op in ("Add", "Div", "Max", "Min", "Mul", "Sub")},
    **{op: (op, 1, [], {}) for op in (
        "Abs", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSwish", "Log", "Neg", "Reciprocal",
        "Relu", "Sigmoid", "Softmax", "Sqrt", "Tanh", "GlobalAveragePool",
    )},
    "Clip": ("Clip", 1, [np.float32(-3), np.float32(4)], {}),
    "Concat": ("Concat", 2, [], {"axis": 1}),
    "LayerNormalization": (
        "LayerNormalization", 1, [np.ones(16, np.float32), np.zeros(16, np.float32)], {},
    ),
    "PRelu": ("PRelu", 1, [np.full((8, 1, 1), 0.1, np.float32)], {}),
    "MaxPool": ("MaxPool", 1, [], {"kernel_shape": [2, 2]}),
    "Pad": ("Pad", 1, [PADS], {}),
    "Resize": (
        "Resize", 1, [np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)],
        {"mode": "nearest"},
    ),
    "Transpose": ("Transpose", 1, [], {"perm": [0, 2, 3, 1]}),
}  # fmt: skip


def between_borders(
    op: str, inputs: int, constants: list[np.ndarray], attributes: dict[str, object],
    scales: tuple[float, float, float] = (0.3, 0.2, 0.07), saturate: int = 1,
) -> onnx.ModelProto:  # fmt: skip
    """Real inputs x0, x1, quantized; the operator; its result, quantized."""
    given = {"zero": np.zeros((), ml_dtypes.float8_e4m3fn)}
    nodes, read = [], []
    for at in range(inputs):
        given[f"s{at}"] = np.float32(scales[at])
        nodes.append(helper.make_node("QuantizeLinear", [f"x{at}", f"s{at}", "zero"], [f"q{at}"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"q{at}", f"s{at}", "zero"], [f"d{at}"]))
        read.append(f"d{at}")
    for at, constant in enumerate(constants):
        given[f"c{at}"] = np.asarray(constant)
        read.append(f"c{at}")
    given["sy"] = np.float32(scales[2])
    nodes.append(helper.make_node(op, read, ["real"], **attributes))
    last = helper.make_node("QuantizeLinear", ["real", "sy", "zero"], ["y"], saturate=saturate)
    ends = [helper.make_tensor_value_info(f"x{at}", T.FLOAT, SHAPE) for at in range(inputs)]
    graph = helper.make_graph(
        [*nodes, last], "g", ends, [helper.make_tensor_value_info("y", E4M3, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in given.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def read(model: onnx.ModelProto) -> Graph:
    return read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))


def results(model: onnx.ModelProto, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Values [n] of the codes that npusim and ONNX Runtime give."""
    draws = (np.random.default_rng(at).normal(0, 20, SHAPE).astype(np.float32) for at in (1, 2))
    given = {name: x for name, x in zip(graph.inputs, draws, strict=False)}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    oracle = onnxruntime.InferenceSession(model.SerializeToString(), options)
    codes = evaluate(graph, given)["y"], oracle.run(None, given)[0]
    found, expected = (each.view(ml_dtypes.float8_e4m3fn).astype(np.float32) for each in codes)
    return found.reshape(-1), expected.reshape(-1)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_code_is_that_of_onnx_runtime(name: str) -> None:
    model = between_borders(*OPERATORS[name])
    graph = read(model)
    assert "dequantize" not in {node.op.kind for node in graph.nodes}
    np.testing.assert_array_equal(*results(model, graph))


@pytest.mark.parametrize("op", ["AveragePool", "MatMul"])
def test_sums_in_another_order_move_few_roundings(op: str) -> None:
    attributes = {"kernel_shape": [2, 2]} if op == "AveragePool" else {}
    model = between_borders(op, 2 if op == "MatMul" else 1, [], attributes)
    found, expected = results(model, read(model))
    assert np.mean(found != expected) < 1e-3
    np.testing.assert_allclose(found, expected, rtol=1 / 8)


@pytest.mark.parametrize(("value", "fused"), [(0.6, True), (1.3, False)])
def test_a_padding_is_fused_where_float8_has_its_value(value: float, fused: bool) -> None:
    """0.6 is 2 * 0.3, in float32 too; without rounding to x's scale, 1.3 / 0.3 is no E4M3."""
    constants = [PADS, np.float32(2) * np.float32(0.3) if fused else np.float32(value)]
    model = between_borders("Pad", 1, constants, {})
    graph = read(model)
    kinds = {node.op.kind for node in graph.nodes}
    assert ("dequantize" in kinds) != fused
    np.testing.assert_array_equal(*results(model, graph))


def test_what_does_not_saturate_is_quantized_by_a_node_of_its_own() -> None:
    """The operator's own rounding saturates, as a quantization by default."""
    model = between_borders("Add", 2, [], {}, saturate=0)
    graph = read(model)
    assert [node.op.kind for node in graph.nodes][-2:] == ["add", "quantize"]
    found, expected = results(model, graph)
    beyond = np.abs(expected) == 448  # where the runtime has it, 480 becomes 448 as well
    np.testing.assert_array_equal(found[~beyond], expected[~beyond])


def test_weights_and_biases_stay_as_they_are() -> None:
    """Float32 weights beside float8 activations are not quantized; stored ones are used."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 1, (4, 8, 3, 3)).astype(np.float32)
    model = between_borders("Conv", 1, [weights], {})
    kinds = [node.op.kind for node in read(model).nodes]
    assert kinds == ["quantize", "dequantize", "conv2d", "quantize"]
    stored = rng.normal(0, 1, (4, 8, 3, 3)).astype(ml_dtypes.float8_e4m3fn)
    model = between_borders("Conv", 1, [stored], {})
    border = helper.make_node("DequantizeLinear", ["c0", "s0", "zero"], ["w"])
    model.graph.node[2].input[1] = "w"
    model.graph.node.insert(0, border)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float32), "b"))
    model.graph.node[3].input.append("b")
    graph = read(model)
    assert [node.op.kind for node in graph.nodes] == ["quantize", "conv2d"]
    formats = [graph.tensors[name].format for name in graph.nodes[1].inputs]
    assert formats == [FP8_E4M3, FP8_E4M3, FP32]
