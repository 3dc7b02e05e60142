"""Operators of float32 against ONNX Runtime, alone and between quantized parts.

Sums are rounded once here and in an order of their own there, so a value may differ by the rounding
of as many additions as there are products: the bound is relative to the sum of their magnitudes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

ULP = float(np.finfo(np.float32).eps)


def _real(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def floats(
    op: str, inputs: Mapping[str, tuple[int, ...]], constants: Mapping[str, np.ndarray],
    opset: int = 17, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """A model of one float32 operator."""
    node = helper.make_node(op, [*inputs, *constants], ["y"], "operator", **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    given = [numpy_helper.from_array(data, name) for name, data in constants.items()]
    graph = helper.make_graph([node], "g", ends, outs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def check(model: onnx.ModelProto, path: Path, additions: int) -> None:
    """Every value is within the rounding of `additions` additions of what ONNX Runtime gives."""
    onnx.save(model, path)
    graph = read_onnx(path)
    inputs = {name: _real(graph.tensors[name].shape, 7 + at) for at, name in
              enumerate(graph.inputs)}  # fmt: skip
    (expected,) = session(path).run(None, inputs)
    found = evaluate(graph, inputs)["y"]
    assert found.shape == expected.shape and found.dtype == expected.dtype
    largest = float(np.abs(expected).max())
    assert float(np.abs(found - expected).max()) <= (additions + 4) * ULP * max(largest, 1e-30)


CONVOLUTIONS = {
    "plain": ((2, 3, 7, 9), (5, 3, 3, 3), {}),
    "strided": ((1, 4, 13, 11), (6, 4, 3, 2), {"strides": [2, 3], "pads": [2, 0, 1, 1]}),
    "dilated": ((1, 3, 13, 11), (4, 3, 3, 3), {"dilations": [2, 1]}),
    "groups": ((1, 6, 5, 6), (9, 2, 3, 3), {"group": 3}),
    "depthwise": ((1, 5, 9, 9), (5, 1, 5, 5), {"group": 5, "pads": [2] * 4}),
    "multiplier": ((1, 3, 6, 6), (6, 1, 3, 3), {"group": 3}),
    "one axis": ((2, 3, 17), (4, 3, 5), {"strides": [2], "pads": [3, 1]}),
    "one pixel": ((2, 7, 1, 1), (3, 7, 1, 1), {}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(tmp_path: Path, case: str) -> None:
    x, w, attributes = CONVOLUTIONS[case]
    constants = {"w": _real(w, 1), "b": _real(w[:1], 2)}
    model = floats("Conv", {"x": x}, constants, **attributes)
    check(model, tmp_path / "one.onnx", int(np.prod(w[1:])))


@pytest.mark.parametrize(
    ("a", "b"), [((4, 9), (9, 5)), ((2, 3, 5, 7), (2, 3, 7, 4)), ((3, 1, 5, 7), (2, 7, 6))]
)
def test_product_of_activations(tmp_path: Path, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    check(floats("MatMul", {"a": a, "b": b}, {}), tmp_path / "one.onnx", a[-1])


GEMMS = {
    "plain": ((4, 9), (9, 5), (5,), {}),
    "transposed": ((9, 4), (5, 9), (1, 5), {"transA": 1, "transB": 1}),
    "scaled": ((4, 9), (9, 5), (5,), {"alpha": 0.3, "beta": 1.7}),
    "no bias": ((4, 9), (9, 5), None, {"alpha": 0.3}),
    "beta is zero": ((4, 9), (9, 5), (5,), {"beta": 0.0}),
    "one bias for all": ((4, 9), (9, 5), (1,), {"beta": 2.0}),
    "a bias a row": ((4, 9), (9, 5), (4, 1), {"beta": 0.5}),
    "a matrix of biases": ((4, 9), (9, 5), (4, 5), {}),
}


@pytest.mark.parametrize("case", GEMMS)
@pytest.mark.parametrize("constant", [True, False])
def test_gemm(tmp_path: Path, case: str, constant: bool) -> None:
    a, b, c, attributes = GEMMS[case]
    inputs = {"a": a} if constant else {"a": a, "b": b}
    constants = {"b": _real(b, 1)} if constant else {}
    if c is not None:
        constants["c"] = _real(c, 2)
    check(floats("Gemm", inputs, constants, **attributes), tmp_path / "one.onnx", 10)


@pytest.mark.parametrize("case", ["scaled", "no bias", "one bias for all", "beta is zero"])
def test_gemm_on_integers(tmp_path: Path, case: str) -> None:
    """With a bias ONNX Runtime computes a scaled Gemm in float32, without one in integers."""
    a, b, c, attributes = GEMMS[case]
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, b).astype(np.int8)
    operands = {"x": Operand(a, 0.0173, 117), "w": Operand(b, 0.0092, 0, weights)}
    if c is not None:
        bias = rng.integers(-3000, 3000, c).astype(np.int32)
        operands["b"] = Operand(c, np.float32(0.0173) * np.float32(0.0092), 0, bias)
    path = tmp_path / "one.onnx"
    onnx.save(qdq("Gemm", operands, Operand((), 0.11, 99), **attributes), path)
    graph = read_onnx(path)
    for seed in range(5):
        x = np.random.default_rng(seed).integers(0, 256, a).astype(np.uint8)
        assert wrong_elements(graph, session(path), {"x": x}) == {"y": 0}


POOLS = {
    "plain": {"kernel_shape": [2, 3]},
    "strided": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "same": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "ceiling": {"kernel_shape": [3, 2], "strides": [3, 3], "ceil_mode": 1},
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pooling(tmp_path: Path, pool: str, op: str) -> None:
    model = floats(op, {"x": (2, 3, 9, 10)}, {}, **POOLS[pool])
    check(model, tmp_path / "one.onnx", 0 if op == "MaxPool" else 9)


@pytest.mark.parametrize(("shape", "axis"), [((3, 10), -1), ((2, 7, 5), 1), ((1, 300), 1)])
def test_softmax(tmp_path: Path, shape: tuple[int, ...], axis: int) -> None:
    check(floats("Softmax", {"x": shape}, {}, axis=axis), tmp_path / "one.onnx", 20)
