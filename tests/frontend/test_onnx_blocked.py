"""Integer activations times weights with a scale a block: read, fused, executed on the array.

ONNX Runtime multiplies the dequantized numbers in float32 (as written: its optimizer makes a
QLinearMatMul of some of these models, which then refuses the blocks). Block sums are exact here, so
results differ where a float32 sum falls to the other side of a middle: one step, and rarely.
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

from npusim import api
from npusim.frontend.onnx import read_onnx
from npusim.numerics.formats import INT4, INT8
from tests.support.evaluate import evaluate

ROWS, DEPTH, UNITS = 6, 128, 24
SCALES = {T.INT8: (0.05, 0.3), T.UINT8: (0.05, 0.3), T.INT16: (2e-4, 1e-3)}
"""Of the input and of the output."""
FORMS: dict[str, tuple[str, int, int]] = {
    "matmul": ("MatMul", 0, 0), "gemm": ("Gemm", 0, 0), "transposed gemm": ("Gemm", 1, 1),
}  # fmt: skip
"""Operator, the axis of the blocks, transB."""


def blocked(form: str, kind: int, weight: type, block: int) -> onnx.ModelProto:
    """A quantized product whose weights have a scale for each `block` elements of its depth."""
    op, axis, transposed = FORMS[form]
    rng = np.random.default_rng(block)
    shape = [UNITS, DEPTH] if transposed else [DEPTH, UNITS]
    blocks = list(shape)
    blocks[axis] = -(-DEPTH // block)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    constants = {
        "w": rng.integers(-7, 8, shape).astype(weight),
        "ws": rng.uniform(0.01, 0.05, blocks).astype(np.float32),
        "wz": rng.integers(-2, 3, blocks).astype(weight),
        "xs": np.float32(SCALES[kind][0]),
        "ys": np.float32(SCALES[kind][1]),
        "z": np.array(128 if dtype == np.uint8 else 0, dtype),
    }
    attributes = {"transB": transposed} if op == "Gemm" else {}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "z"], ["xd"]),
        helper.make_node(
            "DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=axis, block_size=block
        ),
        helper.make_node(op, ["xd", "wd"], ["r"], **attributes),
        helper.make_node("QuantizeLinear", ["r", "ys", "z"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "ys", "z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, (ROWS, DEPTH))],
        [helper.make_tensor_value_info("y", T.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def as_written(path: Path, x: np.ndarray) -> np.ndarray:
    """ONNX Runtime on each node as it is."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options).run(None, {"x": x})[0]


@pytest.mark.parametrize("block", [16, 32, 48, 64])
@pytest.mark.parametrize("weight", [ml_dtypes.int4, np.int8], ids=["int4", "int8"])
@pytest.mark.parametrize("kind", SCALES, ids=["int8", "uint8", "int16"])
@pytest.mark.parametrize("form", FORMS)
def test_a_product_of_stored_numbers(
    tmp_path: Path, form: str, kind: int, weight: type, block: int
) -> None:
    path = tmp_path / "blocked.onnx"
    onnx.save(blocked(form, kind, weight, block), path)
    graph = read_onnx(path)
    assert [node.op.kind for node in graph.nodes] == ["quantize", "fully_connected", "dequantize"]
    weights = graph.tensors[graph.nodes[1].inputs[1]]
    quantization = weights.quantization
    assert weights.format == (INT8 if weight is np.int8 else INT4)
    assert quantization is not None and (quantization.axis, quantization.block) == (1, block)
    assert quantization.scale.shape == (UNITS, -(-DEPTH // block))
    x = np.random.default_rng(3).normal(0, 1.5, (ROWS, DEPTH)).astype(np.float32)
    found, expected = evaluate(graph, {"x": x})["y"], as_written(path, x)
    steps = np.rint(np.abs(found - expected) / np.float32(SCALES[kind][1]))
    assert steps.max() <= 1 and steps.mean() <= 0.02


@pytest.mark.parametrize("kind", SCALES, ids=["int8", "uint8", "int16"])
def test_the_array_gives_the_same_bits(tmp_path: Path, kind: int) -> None:
    """In tiles that the reduction is cut into: each cut is between blocks, or exact."""
    path = tmp_path / "blocked.onnx"
    onnx.save(blocked("matmul", kind, ml_dtypes.int4, 32), path)
    model = api.load_model(path)
    x = np.random.default_rng(3).normal(0, 1.5, (ROWS, DEPTH)).astype(np.float32)
    result = api.execute(model, api.load_hardware("edge-npu-1-mixed"), {"x": x})
    assert {layer.on for layer in result.report.layers} == {"npu"}
    np.testing.assert_array_equal(result.outputs["y"], evaluate(model.graph, {"x": x})["y"])
