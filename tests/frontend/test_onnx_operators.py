"""Every ONNX operator on its own: 0 wrong elements against ONNX Runtime's exact integer kernels.

Scales are random ones, and powers of two that make exact ties; values span the whole range, so that
outputs saturate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.errors import UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq, qlinear

DTYPES = ("uint8", "int8")
SCALES = {
    "ties": (0.5, 0.25, 1.0),
    "random": (0.01734, 0.00921, 0.0312),
    "saturating": (0.031, 0.027, 0.0051),
}


def _data(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max + 1, shape).astype(dtype)


def _check(model: onnx.ModelProto, tmp_path: Path, dtype: str, rounds: int = 3) -> None:
    """No element of any output differs, over several inputs that span the range."""
    path = tmp_path / "one.onnx"
    onnx.save(model, path)
    graph = read_onnx(path)
    oracle = session(path, int8=dtype == "int8")
    for seed in range(rounds):
        inputs = {
            name: _data(graph.tensors[name].shape, dtype, seed + 10 * index)
            for index, name in enumerate(graph.inputs)
        }
        assert not any(wrong_elements(graph, oracle, inputs).values())


def _zeros(dtype: str) -> tuple[int, int, int]:
    return (117, 3, 140) if dtype == "uint8" else (-11, 5, 12)


CONVOLUTIONS = {
    "odd": ((2, 3, 7, 9), (5, 3, 3, 3), {}),
    "asymmetric padding": ((1, 4, 8, 7), (6, 4, 3, 2), {"pads": [2, 0, 1, 1]}),
    "stride and dilation": (
        (1, 3, 13, 11), (4, 3, 3, 3),
        {"strides": [2, 3], "dilations": [2, 1], "pads": [1, 2, 3, 0]},
    ),
    "groups": ((1, 6, 5, 6), (9, 2, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}),
    "depthwise": ((1, 5, 9, 9), (5, 1, 5, 5), {"group": 5, "strides": [2, 2], "pads": [2] * 4}),
    "depthwise multiplier": ((1, 3, 6, 6), (6, 1, 3, 3), {"group": 3}),
    "same upper": ((1, 3, 8, 9), (4, 3, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((1, 3, 8, 9), (4, 3, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [3, 2]}),
    "one axis": ((2, 3, 17), (4, 3, 5), {"strides": [2], "pads": [3, 1], "dilations": [2]}),
    "pointwise": ((1, 7, 3, 5), (11, 7, 1, 1), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("form", ["qdq", "qlinear"])
def test_convolution(tmp_path: Path, case: str, dtype: str, per_channel: bool, form: str) -> None:
    x_shape, w_shape, attributes = CONVOLUTIONS[case]
    filters = w_shape[0]
    random = np.random.default_rng(3)
    w_scale = random.uniform(0.002, 0.02, filters).astype(np.float32) if per_channel else 0.011
    weights = np.maximum(_data(w_shape, "int8", 5), -127)
    bias = random.integers(-3000, 3000, filters).astype(np.int32)
    zeros = _zeros(dtype)
    x = Operand(x_shape, 0.0213, zeros[0])
    w = Operand(w_shape, w_scale, 0, weights, 0 if per_channel else None)
    y = Operand((), 0.17, zeros[2])
    if form == "qlinear":
        operands = {"x": x, "w": w}
        model = qlinear("QLinearConv", operands, y, dtype=dtype, bias=bias, domain="", **attributes)
    else:
        scale = np.float32(0.0213) * np.asarray(w_scale, np.float32)
        b = Operand(bias.shape, scale, 0, bias, 0 if per_channel else None)
        model = qdq("Conv", {"x": x, "w": w, "b": b}, y, dtype=dtype, **attributes)
    _check(model, tmp_path, dtype)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(tmp_path: Path, scales: str, transposed: int) -> None:
    sx, sw, sy = SCALES[scales]
    weights = np.maximum(_data((6, 13) if transposed else (13, 6), "int8", 1), -127)
    bias = np.arange(-3, 3, dtype=np.int32) * 100
    operands = {
        "x": Operand((5, 13), sx, 117),
        "w": Operand(weights.shape, sw, 0, weights),
        "b": Operand((6,), np.float32(sx) * np.float32(sw), 0, bias),
    }
    y = Operand((), sy * 20, 99)
    _check(qdq("Gemm", operands, y, transB=transposed), tmp_path, "uint8")
    del operands["b"]
    model = qlinear("QGemm", operands, y, bias=bias, bias_last=False, transB=transposed)
    _check(model, tmp_path, "uint8")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("per_column", [True, False])
@pytest.mark.parametrize("form", ["qdq", "qlinear"])
def test_matmul_with_constant_weights(
    tmp_path: Path, dtype: str, per_column: bool, form: str
) -> None:
    zeros = _zeros(dtype)
    weights = np.maximum(_data((19, 8), "int8", 4), -127)
    scale = np.linspace(0.003, 0.02, 8, dtype=np.float32) if per_column else 0.01
    operands = {
        "x": Operand((2, 3, 19), 0.02, zeros[0]),
        "w": Operand(weights.shape, scale, 0, weights, 1 if per_column else None),
    }
    y = Operand((), 0.3, zeros[2])
    if form == "qdq":
        model = qdq("MatMul", operands, y, dtype=dtype)
    else:
        model = qlinear("QLinearMatMul", operands, y, dtype=dtype, domain="")
    _check(model, tmp_path, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "b"), [((2, 3, 5, 7), (2, 3, 7, 4)), ((5, 7), (7, 4)), ((3, 1, 5, 7), (2, 7, 6))]
)
@pytest.mark.parametrize("form", ["qdq", "qlinear"])
def test_matmul_of_activations(
    tmp_path: Path, dtype: str, a: tuple[int, ...], b: tuple[int, ...], form: str
) -> None:
    zeros = _zeros(dtype)
    operands = {"a": Operand(a, 0.02, zeros[0]), "b": Operand(b, 0.03, zeros[1])}
    y = Operand((), 0.15, zeros[2])
    if form == "qdq":
        model = qdq("MatMul", operands, y, dtype=dtype)
    else:
        model = qlinear("QLinearMatMul", operands, y, dtype=dtype, domain="")
    _check(model, tmp_path, dtype)


BROADCASTS = {
    "same": ((1, 5, 7, 9), (1, 5, 7, 9)),
    "per channel": ((2, 5, 7, 9), (1, 5, 1, 1)),
    "last axis": ((3, 4, 33), (33,)),
    "scalar": ((4, 37), (1,)),
    "both": ((4, 1, 6), (3, 1)),
    "first is smaller": ((5, 1, 1), (2, 5, 7, 9)),
    "first is scalar": ((1,), (4, 37)),
}


@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize("broadcast", BROADCASTS)
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sum_and_product(tmp_path: Path, op: str, broadcast: str, scales: str, dtype: str) -> None:
    (a, b), (sa, sb, sy), zeros = BROADCASTS[broadcast], SCALES[scales], _zeros(dtype)
    operands = {"a": Operand(a, sa, zeros[0]), "b": Operand(b, sb, zeros[1])}
    y = Operand((), sy, zeros[2])
    _check(qdq(op, operands, y, dtype=dtype), tmp_path, dtype)
    _check(qlinear(f"QLinear{op}", operands, y, dtype=dtype), tmp_path, dtype)


def test_sum_of_all_pairs(tmp_path: Path) -> None:
    """All 65 536 pairs of operands, for scales at which the order of the additions matters."""
    random = np.random.default_rng(9)
    grid = np.arange(256, dtype=np.uint8)
    inputs = {"a": np.repeat(grid[:, None], 256, 1), "b": np.repeat(grid[None], 256, 0)}
    for _ in range(25):
        sa, sb, sy = np.exp(random.uniform(-5, 0, 3))
        za, zb, zy = (int(zero) for zero in random.integers(0, 256, 3))
        operands = {"a": Operand((256, 256), sa, za), "b": Operand((256, 256), sb, zb)}
        path = tmp_path / "add.onnx"
        onnx.save(qlinear("QLinearAdd", operands, Operand((), sy, zy)), path)
        assert wrong_elements(read_onnx(path), session(path), inputs) == {"y": 0}


POOLS = {
    "plain": {"kernel_shape": [2, 3]},
    "strided": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "asymmetric": {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [0, 1, 2, 0]},
    "same": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "ceiling": {"kernel_shape": [3, 2], "strides": [3, 3], "ceil_mode": 1},
    "ceiling past the end": {
        "kernel_shape": [2, 2],
        "strides": [4, 3],
        "ceil_mode": 1,
        "pads": [0, 1, 1, 1],
    },
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool(tmp_path: Path, pool: str, dtype: str) -> None:
    x = Operand((2, 3, 9, 10), 0.02, _zeros(dtype)[0])
    model = qdq("MaxPool", {"x": x}, x, dtype=dtype, **POOLS[pool])
    _check(model, tmp_path, dtype)


def test_dilated_max_pool_with_another_output_scale(tmp_path: Path) -> None:
    x = Operand((1, 3, 9, 10), 0.02, 7)
    model = qdq("MaxPool", {"x": x}, Operand((), 0.033, 1), kernel_shape=[3, 2], dilations=[2, 3])
    _check(model, tmp_path, "uint8")


AVERAGES = [
    (pool, include)
    for pool, attributes in POOLS.items()
    for include in (0, 1)
    if not (include and "ceil_mode" in attributes)
]


@pytest.mark.parametrize(("pool", "include"), AVERAGES)
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_average_pool(tmp_path: Path, pool: str, include: int, scales: str, dtype: str) -> None:
    sx, _, sy = SCALES[scales]
    zeros = _zeros(dtype)
    operands = {"x": Operand((2, 3, 9, 10), sx, zeros[0])}
    y = Operand((), sy, zeros[2])
    attributes = {**POOLS[pool], "count_include_pad": include}
    _check(qdq("AveragePool", operands, y, dtype=dtype, **attributes), tmp_path, dtype)
    model = qlinear("QLinearAveragePool", operands, y, dtype=dtype, **attributes)
    _check(model, tmp_path, dtype)


def test_average_over_a_ragged_window_that_counts_padding(tmp_path: Path) -> None:
    x = Operand((2, 3, 9, 10), 0.02, 7)
    attributes = {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}
    model = qdq("AveragePool", {"x": x}, x, count_include_pad=1, **attributes)
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="ceil_mode = 1 with a ragged last window"):
        read_onnx(tmp_path / "one.onnx")


@pytest.mark.parametrize("shape", [(2, 5, 7, 7), (1, 16, 3, 4), (1, 9, 8, 8), (2, 3, 11)])
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_global_average_pool(
    tmp_path: Path, shape: tuple[int, ...], scales: str, dtype: str
) -> None:
    sx, _, sy = SCALES[scales]
    zeros = _zeros(dtype)
    operands = {"x": Operand(shape, sx, zeros[0])}
    y = Operand((), sy / 4, zeros[2])
    _check(qdq("GlobalAveragePool", operands, y, dtype=dtype), tmp_path, dtype, rounds=8)
    model = qlinear("QLinearGlobalAveragePool", operands, y, dtype=dtype, channels_last=0)
    _check(model, tmp_path, dtype, rounds=8)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((2, 8, 7, 7), (2, 3)), ((1, 32, 3, 5), (2, 3)), ((1, 16, 14, 14), (-2, -1)),
     ((3, 50), (1,)), ((2, 6, 9), (2,)), ((1, 5, 4, 4), (1, 2, 3)), ((1, 64, 2, 1), (2, 3))],
)  # fmt: skip
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("keep", [0, 1])
def test_reduce_mean(
    tmp_path: Path, shape: tuple[int, ...], axes: tuple[int, ...], scales: str, keep: int
) -> None:
    sx, _, sy = SCALES[scales]
    operands = {"x": Operand(shape, sx, 117)}
    y = Operand((), sy / 4, 140)
    _check(
        qdq("ReduceMean", operands, y, axes=list(axes), keepdims=keep), tmp_path, "uint8", rounds=8
    )
    given = {"axes": np.array(axes, np.int64)}
    model = qdq("ReduceMean", operands, y, extra=given, opset=18, keepdims=keep)
    _check(model, tmp_path, "uint8")


@pytest.mark.parametrize("axis", [1, -1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_concat_with_scales_of_their_own(tmp_path: Path, axis: int, dtype: str) -> None:
    zeros = _zeros(dtype)
    shapes = [[2, 3, 4, 5] for _ in range(3)]
    shapes[1][axis] = 7
    operands = {
        name: Operand(tuple(shape), scale, zero)
        for name, shape, scale, zero in zip("abc", shapes, (0.02, 0.05, 0.011), zeros, strict=True)
    }
    y = Operand((), 0.02, zeros[0])
    _check(qdq("Concat", operands, y, dtype=dtype, axis=axis), tmp_path, dtype)
    model = qlinear("QLinearConcat", operands, y, dtype=dtype, output_first=True, axis=axis)
    _check(model, tmp_path, dtype)


@pytest.mark.parametrize(("shape", "axis"), [((3, 10), -1), ((2, 7, 5), 1), ((1, 300), 1)])
@pytest.mark.parametrize("scale", [0.1, 0.013, 1.7])
@pytest.mark.parametrize("y_scale", [1 / 256, 0.0035, 0.0072])
@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(
    tmp_path: Path, shape: tuple[int, ...], axis: int, scale: float, y_scale: float, dtype: str
) -> None:
    operands = {"x": Operand(shape, scale, _zeros(dtype)[0])}
    y = Operand((), y_scale, 0 if dtype == "uint8" else -128)
    _check(qdq("Softmax", operands, y, dtype=dtype, axis=axis), tmp_path, dtype)
    model = qlinear("QLinearSoftmax", operands, y, dtype=dtype, axis=axis, opset=17)
    _check(model, tmp_path, dtype)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_and_clip_that_stand_alone(tmp_path: Path, scales: str, dtype: str) -> None:
    sx, _, sy = SCALES[scales]
    zeros = _zeros(dtype)
    operands = {"x": Operand((2, 3, 4, 5), sx, zeros[0])}
    y = Operand((), sy, zeros[2])
    _check(qdq("Relu", operands, y, dtype=dtype), tmp_path, dtype)
    bounds = {"low": np.float32(0), "high": np.float32(6)}
    _check(qdq("Clip", operands, y, dtype=dtype, extra=bounds), tmp_path, dtype)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_requantize(tmp_path: Path, scales: str, dtype: str) -> None:
    """DequantizeLinear straight into QuantizeLinear of another scale."""
    sx, _, sy = SCALES[scales]
    zeros = _zeros(dtype)
    operands = {"x": Operand((256,), sx, zeros[0])}
    _check(qdq("Identity", operands, Operand((), sy, zeros[2]), dtype=dtype), tmp_path, dtype)


MOVEMENTS = {
    "Flatten": ({}, {"axis": 2}),
    "Reshape": ({"shape": np.array([0, -1, 10], np.int64)}, {}),
    "Squeeze": ({"axes": np.array([1], np.int64)}, {}),
    "Unsqueeze": ({"axes": np.array([0, 3], np.int64)}, {}),
    "Transpose": ({}, {"perm": [1, 0, 2, 3]}),
    "Pad": ({"pads": np.array([0, 1, 2, 0, 0, 0, 1, 3], np.int64)}, {}),
    "Dropout": ({}, {}),
}


@pytest.mark.parametrize("op", MOVEMENTS)
def test_movements_keep_values(tmp_path: Path, op: str) -> None:
    extra, attributes = MOVEMENTS[op]
    x = Operand((2, 1, 4, 5), 0.02, 117)
    _check(qdq(op, {"x": x}, x, extra=extra, **attributes), tmp_path, "uint8")


@pytest.mark.parametrize("value", [0.0, 0.5, -1.0])
def test_pad_with_a_value(tmp_path: Path, value: float) -> None:
    x = Operand((1, 2, 3, 4), 0.25, 117)
    extra = {"pads": np.array([0, 0, 1, 2, 0, 0, 0, 1], np.int64), "value": np.float32(value)}
    _check(qdq("Pad", {"x": x}, x, extra=extra), tmp_path, "uint8")


@pytest.mark.parametrize("scale", [0.5, 0.0173, 3.0e-5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_quantize_and_dequantize_at_the_borders(tmp_path: Path, scale: float, dtype: str) -> None:
    """Ties, values beyond the range, infinities and NaN."""
    low = 0 if dtype == "uint8" else -128
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [600])]
    outs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [600]),
        helper.make_tensor_value_info("q", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [600]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.float32(scale), "s"),
        onnx.numpy_helper.from_array(np.array(low + 31, dtype), "z"),
    ]
    graph = helper.make_graph(nodes, "g", ends, outs, constants)
    path = tmp_path / "borders.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )
    x = (np.arange(600, dtype=np.float32) / 2 - 150) * np.float32(scale)
    x[:3] = np.inf, -np.inf, np.nan
    assert wrong_elements(read_onnx(path), session(path), {"x": x}) == {"y": 0, "q": 0}
