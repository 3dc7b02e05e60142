"""fp16 models: ONNX Runtime runs them in float32, each result rounded to fp16, as npusim does.

Results are the same to the bit but for sums in another order, which can move a rounding by one
unit in the last place of fp16: matrix products and softmax.
"""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from npusim.frontend.onnx import read_onnx_bytes
from npusim.numerics.formats import BF16, FP16
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import as_stored, node_model, runtime_output

IMAGE = (1, 8, 12, 12)
RNG = np.random.default_rng(0)


def c(*shape: int) -> np.ndarray:
    """A constant of fp16."""
    return RNG.normal(0, 0.3, shape).astype(np.float16)


Case = tuple[str, tuple[int, ...], list[np.ndarray | None], dict[str, object]]
SUMS: dict[str, Case] = {
    "conv": ("Conv", IMAGE, [c(6, 8, 3, 3), c(6)], {}),
    "depthwise": ("Conv", IMAGE, [c(8, 1, 3, 3)], {"group": 8}),
    "conv_transpose": ("ConvTranspose", IMAGE, [c(8, 4, 3, 3), c(4)], {}),
    "gemm": ("Gemm", (5, 40), [c(40, 9), c(9)], {}),
    "gemm_alpha_beta": ("Gemm", (5, 40), [c(40, 9), c(9)], {"alpha": 0.5, "beta": 2.0}),
    "matmul": ("MatMul", (3, 5, 40), [c(40, 9)], {}),
    "softmax": ("Softmax", IMAGE, [], {}),
    "layer_norm": ("LayerNormalization", (3, 7, 32), [c(32), c(32)], {}),
    "average_pool": ("AveragePool", IMAGE, [], {"kernel_shape": [2, 2]}),
    "cumulative": ("CumSum", IMAGE, [np.array(2)], {}),
    "log_sum": ("ReduceLogSumExp", IMAGE, [np.array([1])], {}),
    "gru": ("GRU", (7, 1, 8), [c(1, 12, 8), c(1, 12, 4), c(1, 24)], {"hidden_size": 4}),
    "lstm": ("LSTM", (7, 1, 8), [c(1, 16, 8), c(1, 16, 4), c(1, 32)], {"hidden_size": 4}),
    "mean": ("ReduceMean", IMAGE, [np.array([2, 3])], {}),
}
EXACT: dict[str, Case] = {
    **{op: (op, IMAGE, [c(8, 1, 1)], {}) for op in ("Add", "Mul", "Sub", "Div", "PRelu", "Max")},
    **{op: (op, IMAGE, [], {}) for op in (
        "Relu", "Sigmoid", "Tanh", "Exp", "Sqrt", "Gelu", "Erf", "HardSwish", "Elu", "Neg", "Abs",
    )},
    "triangle": ("Trilu", (4, 30), [], {}),
    "clip": ("Clip", IMAGE, [np.float16(-0.5), np.float16(0.5)], {}),
    "leaky_relu": ("LeakyRelu", IMAGE, [], {"alpha": 0.1}),
    "max_pool": ("MaxPool", IMAGE, [], {"kernel_shape": [2, 2]}),
    "transpose": ("Transpose", IMAGE, [], {"perm": [0, 2, 3, 1]}),
    "pad": ("Pad", IMAGE, [np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float16(1.5)], {}),
    "concat": ("Concat", IMAGE, [c(*IMAGE)], {"axis": 1}),
    "resize": ("Resize", IMAGE, [None, np.array([1, 1, 2, 2], np.float32)], {"mode": "linear"}),
}  # fmt: skip


def results(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """What npusim and ONNX Runtime make of random numbers."""
    op, shape, constants, attributes = case
    model = node_model(op, (T.FLOAT16, shape), constants, T.FLOAT16, 20, **attributes)
    x = np.random.default_rng(1).normal(0, 1, shape).astype(np.float16)
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    assert {graph.tensors[name].format for name in ("x", "y")} == {FP16}
    return evaluate(graph, {"x": x})["y"], runtime_output(model, x)


@pytest.mark.parametrize("name", EXACT)
def test_what_does_not_sum_is_the_same_to_the_bit(name: str) -> None:
    found, expected = results(EXACT[name])
    assert found.dtype == expected.dtype == np.float16
    np.testing.assert_array_equal(found.view(np.uint16), expected.view(np.uint16))


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_the_same_within_one_unit_in_the_last_place(name: str) -> None:
    found, expected = results(SUMS[name])
    assert found.dtype == expected.dtype == np.float16
    unit = np.spacing(np.maximum(np.abs(found), np.abs(expected)))
    assert np.all(np.abs(found.astype(np.float32) - expected) <= unit)


def batch_norm(real: type, kind: int) -> onnx.ModelProto:
    """A normalization with parameters of a real type."""
    parameters = [np.abs(c(8)).astype(real) for _ in range(4)]
    return node_model("BatchNormalization", (kind, IMAGE), parameters, kind, 15)


def test_parameters_of_a_normalization_may_be_narrow() -> None:
    model = batch_norm(np.float16, T.FLOAT16)
    x = np.random.default_rng(1).normal(0, 1, IMAGE).astype(np.float16)
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    found, expected = evaluate(graph, {"x": x})["y"], runtime_output(model, x)
    np.testing.assert_allclose(found, expected, rtol=2.0**-10, atol=2.0**-14)


def test_casts_at_the_ends_of_a_narrow_network() -> None:
    """float32 to bf16, a layer with bf16 constants, and back: constants keep their format."""
    weights = c(9, 40).astype(ml_dtypes.bfloat16)
    nodes = [
        helper.make_node("Cast", ["x"], ["n"], to=T.BFLOAT16),
        helper.make_node("Gemm", ["n", "w"], ["g"], transB=1),
        helper.make_node("Cast", ["g"], ["y"], to=T.FLOAT),
    ]
    ends = [helper.make_tensor_value_info("x", T.FLOAT, (5, 40))]
    outs = [helper.make_tensor_value_info("y", T.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", ends, outs, [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    read = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    assert [node.op.kind for node in read.nodes] == ["cast", "fully_connected", "cast"]
    stored = read.tensors["w"]
    assert stored.format == BF16 and np.array_equal(stored.data, as_stored(weights))
    x = np.random.default_rng(1).normal(0, 1, (5, 40)).astype(np.float32)
    narrow = x.astype(ml_dtypes.bfloat16).astype(np.float64)
    real = (narrow @ weights.astype(np.float64).T).astype(np.float32)
    found = evaluate(read, {"x": x})["y"]
    np.testing.assert_array_equal(found, real.astype(ml_dtypes.bfloat16).astype(np.float32))


@pytest.mark.parametrize("stored", [np.int8, ml_dtypes.int4])
def test_borders_to_fp16_round_what_they_dequantize(stored: type) -> None:
    """int8 activations and stored weights, all dequantized to fp16: the product is one of fp16.

    Beside exact sums. ONNX Runtime leaves out the rounding of x to fp16 on a processor.
    """
    weights = np.random.default_rng(0).integers(-7, 8, (6, 8, 3, 3)).astype(stored)
    constants = {
        "w": weights, "ws": np.full(6, 0.021, np.float16),
        "wz": np.zeros(6, np.int8).astype(stored), "xs": np.float16(0.05),
        "ys": np.float16(0.3), "z": np.array(3, np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
        helper.make_node("Conv", ["xd", "wd"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "ys", "z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", T.FLOAT16, IMAGE)]
    outs = [helper.make_tensor_value_info("y", T.INT8, None)]
    given = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "g", ends, outs, given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    read = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    assert [node.op.kind for node in read.nodes] == ["quantize", "dequantize", "conv2d", "quantize"]
    x = np.random.default_rng(1).normal(0, 2, IMAGE).astype(np.float16)
    found = evaluate(read, {"x": x})
    real = (found["xq"].astype(np.float32) - 3) * np.float32(np.float16(0.05))
    x_real = real.astype(np.float16).astype(np.float64)
    w_real = weights.astype(np.float32) * np.float32(np.float16(0.021))
    w_real = w_real.astype(np.float16).astype(np.float64)
    seen = np.lib.stride_tricks.sliding_window_view(x_real, (3, 3), axis=(2, 3))
    product = np.einsum("bcyxij,ocij->boyx", seen, w_real).astype(np.float16).astype(np.float32)
    steps = np.rint(product / np.float32(np.float16(0.3))) + 3
    np.testing.assert_array_equal(found["y"], np.clip(steps, -128, 127))
