"""Operators between 16-bit dequantizations and quantizations: ONNX Runtime's results to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.frontend.onnx import read_onnx_bytes
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import runtime_outputs

SHAPE = (2, 64, 32, 16)
"""Of 2^16 elements: each input takes every value of its format once."""
KINDS = {"int16": TensorProto.INT16, "uint16": TensorProto.UINT16}
SCALES = {"x0": 3e-4, "x1": 2e-4, "y": 1.3e-4}
FUNCTIONS = (
    "Abs", "Ceil", "Celu", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish",
    "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign",
    "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
)  # fmt: skip
KIND_OF = {
    "HardSigmoid": "hard_sigmoid", "HardSwish": "hard_swish", "LeakyRelu": "leaky_relu",
    "Max": "maximum", "Min": "minimum", "Sigmoid": "logistic",
    "ThresholdedRelu": "thresholded_relu",
}  # fmt: skip
PAIRS = ("Add", "Div", "Max", "Min", "Mul", "Sub")
POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
SLOPES = np.full((64, 1, 1), 0.1, np.float32)
CONSTANTS: dict[str, tuple[str, list[np.ndarray]]] = {
    "PRelu": ("prelu", [SLOPES]),
    "Clip": ("clip", [np.float32(-3), np.float32(4)]),
    "Pow": ("pow", [np.float32(3)]),
    "Add": ("add", [SLOPES]),
    "Mul": ("mul", [SLOPES]),
    "Pad": ("pad", [np.array([0, 0, 1, 1, 0, 0, 1, 1])]),
    "ReduceSum": ("sum", [np.array([2, 3])]),
    "ReduceL1": ("reduce_l1", [np.array([3])]),
    "ReduceL2": ("reduce_l2", [np.array([2, 3])]),
    "ReduceSumSquare": ("reduce_sum_square", [np.array([3])]),
}
"""Operators that take constants besides, and what they are called here."""
OTHERS: dict[str, tuple[str, int, dict[str, object], list[str]]] = {
    "GlobalAveragePool": ("GlobalAveragePool", 1, {}, ["mean"]),
    "MaxPool": ("MaxPool", 1, POOL, ["max_pool", "requantize"]),
    "Concat": ("Concat", 2, {"axis": 1}, ["concat"]),
    "Transpose": ("Transpose", 1, {"perm": [0, 2, 3, 1]}, ["transpose", "requantize"]),
    "Identity": ("Identity", 1, {}, ["requantize"]),
}
"""Operator, inputs, attributes, and what is left of it on stored integers."""


def between_borders(
    op: str, inputs: int, kind: int, real: Sequence[np.ndarray] = (), **attributes: object
) -> onnx.ModelProto:
    """The operator behind dequantizations of its inputs, before a quantization of its result."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    constants = {name: np.float32(scale) for name, scale in SCALES.items()}
    constants["zero"] = np.array(5 if dtype == np.int16 else 32000, dtype)
    names = [f"x{at}" for at in range(inputs)]
    nodes = [
        helper.make_node("DequantizeLinear", [name, f"{name}_scale", "zero"], [f"{name}_real"])
        for name in names
    ]
    read = [f"{name}_real" for name in names] + [f"c{at}" for at in range(len(real))]
    nodes.append(helper.make_node(op, read, ["real"], **attributes))
    nodes.append(helper.make_node("QuantizeLinear", ["real", "y_scale", "zero"], ["y"]))
    given = [
        numpy_helper.from_array(np.asarray(value), name if name == "zero" else f"{name}_scale")
        for name, value in constants.items()
    ]
    given += [numpy_helper.from_array(np.asarray(c), f"c{at}") for at, c in enumerate(real)]
    ends = [helper.make_tensor_value_info(name, kind, SHAPE) for name in names]
    outs = [helper.make_tensor_value_info("y", kind, None)]
    graph = helper.make_graph(nodes, "g", ends, outs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def check(
    op: str, inputs: int, fmt: str, kinds: list[str], real: Sequence[np.ndarray] = (),
    **attributes: object,
) -> None:  # fmt: skip
    """The graph has operators of these `kinds`, and all results are those of ONNX Runtime."""
    model = between_borders(op, inputs, KINDS[fmt], real, **attributes)
    words = np.arange(1 << 16, dtype=np.uint16).view(fmt)
    draws = [np.random.default_rng(at) for at in range(inputs)]
    given = {f"x{at}": draw.permutation(words).reshape(SHAPE) for at, draw in enumerate(draws)}
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    assert [node.op.kind for node in graph.nodes] == kinds
    np.testing.assert_array_equal(evaluate(graph, given)["y"], runtime_outputs(model, given)[0])


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_of_all_words(op: str, fmt: str) -> None:
    check(op, 1, fmt, [KIND_OF.get(op, op.lower())])


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("op", PAIRS)
def test_pairs(op: str, fmt: str) -> None:
    check(op, 2, fmt, [KIND_OF.get(op, op.lower())])


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("op", CONSTANTS)
def test_operators_with_constants(op: str, fmt: str) -> None:
    kind, constants = CONSTANTS[op]
    kinds = [kind, "requantize"] if op == "Pad" else [kind]
    check(op, 1, fmt, kinds, constants)


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("name", OTHERS)
def test_means_and_movements(name: str, fmt: str) -> None:
    op, inputs, attributes, kinds = OTHERS[name]
    check(op, inputs, fmt, kinds, **attributes)


def test_what_has_no_arithmetic_on_16_bits_stays_between_its_borders() -> None:
    model = between_borders("Softmax", 1, TensorProto.INT16)
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    assert [node.op.kind for node in graph.nodes] == ["dequantize", "softmax", "quantize"]
