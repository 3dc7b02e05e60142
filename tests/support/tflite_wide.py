"""Single-operator TFLite models of 16-bit activations, and of int4 weights; see `tflite_cases`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.tflite_cases import KINDS, conv, depthwise, fully_connected
from tests.support.tflite_models import RELU, SAME, VALID, TinyModel
from tests.support.tflite_pairs import SHAPES, Build, Rng, output_of, random_values
from tests.support.tflite_transposed import transposed_conv

SHARED = (
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "EQUAL", "NOT_EQUAL", "GREATER",
    "GREATER_EQUAL", "LESS", "LESS_EQUAL", "SELECT_V2", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN",
    "MEAN of any axes", "SUM", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "LEAKY_RELU",
    "QUANTIZE", "DEQUANTIZE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "CONCATENATION", "PAD",
    "PADV2", "MIRROR_PAD", "RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "REVERSE_V2", "GATHER",
    "GATHER_ND", "TILE", "BROADCAST_TO",
)  # fmt: skip
"""Operators whose models of 8 bits are drawn with 16 as well."""
Q15 = 2.0**-15


def draw_wide_scale(rng: Rng, low: float = 1e-5, high: float = 0.01) -> float:
    """A scale; every fourth one a power of two."""
    if rng.random() < 0.25:
        return float(2.0 ** rng.integers(-16, int(np.log2(high))))
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pair(m: TinyModel, rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...]]:
    a, b = SHAPES[int(rng.integers(len(SHAPES)))]
    m.inputs.append(m.tensor("a", a, "int16", draw_wide_scale(rng)))
    return b, np.broadcast_shapes(a, b)


def floor_div(rng: Rng, dtype: str) -> TinyModel:
    """FLOOR_DIV by a constant without 0."""
    m = TinyModel()
    shape, out = _pair(m, rng)
    data = random_values(rng, shape, "int16")
    data[data == 0] = 3
    b = m.constant("b", data, draw_wide_scale(rng))
    output_of(m, out, "int16", draw_wide_scale(rng))
    m.operator("FLOOR_DIV", [m.inputs[0], b], m.outputs, "FloorDivOptions", version=2)
    return m


def reduce_prod(rng: Rng, dtype: str) -> TinyModel:
    """REDUCE_PROD of two axes."""
    m = TinyModel()
    x = m.tensor("x", (3, 5, 4), "int16", draw_wide_scale(rng, 1e-5, 1e-4))
    m.inputs.append(x)
    axes = m.constant("axes", np.array([0, 2], np.int32))
    output_of(m, (5,), "int16", draw_wide_scale(rng, 1e-5, 1e-3))
    m.operator("REDUCE_PROD", [x, axes], m.outputs, "ReducerOptions", version=2, KeepDims=False)
    return m


def softmax(rng: Rng, dtype: str) -> TinyModel:
    """SOFTMAX, whose output is Q0.15."""
    m = TinyModel()
    shape = (int(rng.integers(1, 5)), int(rng.choice([1, 2, 7, 100])))
    m.inputs.append(m.tensor("x", shape, "int16", draw_wide_scale(rng)))
    output_of(m, shape, "int16", Q15)
    beta = float(rng.choice([1.0, 1.0, 0.5, 2.5]))
    m.operator("SOFTMAX", m.inputs, m.outputs, "SoftmaxOptions", version=3, Beta=beta)
    return m


def requantize(rng: Rng, dtype: str) -> TinyModel:
    """QUANTIZE from int16 to int16 or int8."""
    m = TinyModel()
    target = str(rng.choice(["int8", "int16"]))
    x = draw_wide_scale(rng)
    m.inputs.append(m.tensor("x", (1, 6, 5, 7), "int16", x))
    wider = 256.0 if target == "int8" else 1.0
    zero = int(rng.integers(-128, 128)) if target == "int8" else 0
    output_of(m, (1, 6, 5, 7), target, x * wider * float(rng.uniform(0.1, 3)), zero)
    m.operator("QUANTIZE", m.inputs, m.outputs, "QuantizeOptions", version=2)
    return m


WIDE: dict[str, Build] = {
    **{kind: KINDS[kind] for kind in SHARED},
    "FLOOR_DIV": floor_div,
    "REDUCE_PROD": reduce_prod,
    "SOFTMAX": softmax,
    "REQUANTIZE": requantize,
}
"""Operators of the vector unit on int16 (`build(rng, "int16")`)."""

FUNCTIONS: dict[str, tuple[str, dict[str, Any], int, float | None]] = {
    "ABS": ("AbsOptions", {}, -(2**15), None),
    "EXP": ("ExpOptions", {}, -(2**15), None),
    "GELU": ("GeluOptions", {"Approximate": False}, -(2**15), None),
    "GELU by tanh": ("GeluOptions", {"Approximate": True}, -(2**15), None),
    "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.2}, -(2**15), None),
    "LEAKY_RELU of negative slope": ("LeakyReluOptions", {"Alpha": -0.7}, -(2**15), None),
    "LOG": ("", {}, -(2**15), None),
    "LOGISTIC": ("", {}, -(2**15), Q15),
    "NEG": ("NegOptions", {}, -(2**15), None),
    "RELU": ("", {}, -(2**15), None),
    "RELU6": ("", {}, -(2**15), None),
    "RSQRT": ("", {}, 1, None),
    "SQRT": ("", {}, 0, None),
    "TANH": ("", {}, -(2**15), Q15),
}
"""Functions of one element: options, the lowest input that LiteRT takes, the only output scale."""


def words(name: str) -> np.ndarray:
    """All inputs of a function."""
    return np.arange(FUNCTIONS[name][2], 2**15).astype(np.int16)


def function_model(name: str, rng: Rng, x_scale: float | None = None) -> TinyModel:
    """The function on all its inputs between drawn scales."""
    m = TinyModel()
    table, options, _, fixed = FUNCTIONS[name]
    shape = words(name).shape
    x = draw_wide_scale(rng, high=0.0025) if x_scale is None else x_scale
    y = x if name == "NEG" else draw_wide_scale(rng)
    m.inputs.append(m.tensor("x", shape, "int16", x))
    output_of(m, shape, "int16", fixed or y)
    kind = name.split()[0]
    version = 1 if kind == "NEG" else 2
    m.operator(kind, m.inputs, m.outputs, table, version=version, **options)
    return m


def _with_wide_activations(m: TinyModel) -> TinyModel:
    """A product with int16 in and out, and a bias of 64 bits."""
    for tensor in m.tensors:
        if tensor.name in ("x", "y"):
            tensor.dtype, tensor.zero_point = "int16", 0
        if tensor.name == "y":
            tensor.scale *= 2
        if tensor.name == "b" and tensor.data is not None:
            tensor.dtype, tensor.data = "int64", tensor.data.astype(np.int64) * 300
    return m


def _with_int4_weights(m: TinyModel) -> TinyModel:
    """A product with weights of 4 bits."""
    for tensor in m.tensors:
        if tensor.name == "w" and tensor.data is not None:
            tensor.dtype, tensor.data = "int4", np.clip(tensor.data % 16 - 8, -7, 7)
    return m


def _widened(build: Build) -> Build:
    return lambda rng, dtype: _with_wide_activations(build(rng, "int8"))


def _narrowed(build: Build) -> Build:
    return lambda rng, dtype: _with_int4_weights(build(rng, "int8"))


def batch_matmul(rng: Rng, dtype: str) -> TinyModel:
    """BATCH_MATMUL of two computed int16 matrices."""
    m, (rows, depth, cols) = TinyModel(), (int(n) for n in rng.integers(1, 9, 3))
    m.inputs.append(m.tensor("a", (2, rows, depth), "int16", draw_wide_scale(rng)))
    m.inputs.append(m.tensor("b", (2, depth, cols), "int16", draw_wide_scale(rng)))
    product = m.tensors[0].scale * m.tensors[1].scale
    scale = product * 2.0**15 * float(np.sqrt(depth) * rng.uniform(0.3, 1.0))
    output_of(m, (2, rows, cols), "int16", scale)
    m.operator("BATCH_MATMUL", m.inputs, m.outputs, "BatchMatMulOptions", version=4)
    return m


def _depthwise_of_several(rng: Rng, dtype: str) -> TinyModel:
    """DEPTHWISE_CONV_2D of more than one input channel: int4 weights on one are refused."""
    while True:
        m = depthwise(rng, dtype)
        if m.tensors[m.inputs[0]].shape[3] > 1:
            return m


PRODUCTS16X8: dict[str, Build] = {
    "CONV_2D": _widened(conv),
    "DEPTHWISE_CONV_2D": _widened(depthwise),
    "FULLY_CONNECTED": _widened(fully_connected),
    "TRANSPOSE_CONV": _widened(transposed_conv),
}
"""Products of int16 activations and int8 weights."""
PRODUCTS8X4: dict[str, Build] = {
    "CONV_2D": _narrowed(conv),
    "DEPTHWISE_CONV_2D": _narrowed(_depthwise_of_several),
    "FULLY_CONNECTED": _narrowed(fully_connected),
}
"""Products of int8 activations and int4 weights."""
PRODUCTS16X4: dict[str, Build] = {
    "CONV_2D": _widened(_narrowed(conv)),
    "FULLY_CONNECTED": _widened(_narrowed(fully_connected)),
}
"""Products of int16 activations and int4 weights."""


class _Network:
    """Layers of int16 one behind another, at scales that use most of the range."""

    def __init__(self, rng: Rng, weights: str) -> None:
        self.m, self.rng, self.weights = TinyModel(), rng, weights

    def tensor(self, shape: tuple[int, ...], scale: float) -> int:
        return self.m.tensor(f"t{len(self.m.tensors)}", shape, "int16", scale)

    def product(
        self, kind: str, x: int, shape: tuple[int, ...], out: tuple[int, ...], axis: int,
        depth: int, table: str, **options: Any,
    ) -> int:  # fmt: skip
        """A layer of per-channel weights of `shape` and a bias of 64 bits."""
        m, channels = self.m, shape[axis]
        largest = 7 if self.weights == "int4" and kind != "DEPTHWISE_CONV_2D" else 127
        data = self.rng.integers(-largest, largest + 1, shape).astype(np.int8)
        scale = self.rng.uniform(0.3, 1.0, channels).astype(np.float32) / largest
        dtype = "int4" if largest == 7 else "int8"
        w = m.constant(f"w{len(m.tensors)}", data, scale, 0, axis, dtype)
        product_scale = m.tensors[x].scale * scale
        bias = self.rng.integers(-(2**20), 2**20, channels).astype(np.int64)
        b = m.constant(f"b{len(m.tensors)}", bias, product_scale)
        y = self.tensor(out, float(m.tensors[x].scale * 0.4 * np.sqrt(depth)))
        m.operator(kind, [x, w, b], [y], table, **options)
        return y

    def unary(
        self, kind: str, x: int, scale: float, shape: tuple[int, ...] = (), **given: Any
    ) -> int:
        y = self.tensor(shape or self.m.tensors[x].shape, scale)
        self.m.operator(kind, [x, *given.pop("constants", ())], [y], **given)
        return y

    def pair(self, kind: str, a: int, b: int, scale: float, **options: Any) -> int:
        y = self.tensor(self.m.tensors[a].shape, scale)
        self.m.operator(kind, [a, b], [y], f"{kind.title()}Options", version=2, **options)
        return y


def network(rng: Rng, weights: str = "int8") -> TinyModel:
    """A small int16x8 network (or 16x4), as TensorFlow's converter writes them, float outside."""
    n = _Network(rng, weights)
    m = n.m
    m.inputs.append(m.tensor("x", (1, 12, 12, 4), "float32"))
    x = n.unary("QUANTIZE", m.inputs[0], 2.0 / 2**15, (1, 12, 12, 4), table="QuantizeOptions")
    one = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
    y = n.product("CONV_2D", x, (8, 3, 3, 4), (1, 12, 12, 8), 0, 36, "Conv2DOptions",
                  Padding=SAME, FusedActivationFunction=RELU, **one)  # fmt: skip
    z = n.product("DEPTHWISE_CONV_2D", y, (1, 3, 3, 8), (1, 12, 12, 8), 3, 9,
                  "DepthwiseConv2DOptions", Padding=SAME, DepthMultiplier=1, **one)  # fmt: skip
    total = n.pair("ADD", y, z, 1.2 * m.tensors[z].scale, PotScaleInt16=False)
    gate = n.unary("LOGISTIC", total, Q15)
    y = n.pair("MUL", total, gate, 0.9 * m.tensors[total].scale)
    window = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2, "Padding": VALID}
    y = n.unary("MAX_POOL_2D", y, m.tensors[y].scale, (1, 6, 6, 8), table="Pool2DOptions",
                version=3, **window)  # fmt: skip
    y = n.product("CONV_2D", y, (12, 1, 1, 8), (1, 6, 6, 12), 0, 8, "Conv2DOptions",
                  Padding=VALID, **one)  # fmt: skip
    y = n.unary("LEAKY_RELU", y, m.tensors[y].scale, table="LeakyReluOptions", version=2, Alpha=0.1)
    axes = m.constant("axes", np.array([1, 2], np.int32))
    y = n.unary("MEAN", y, 0.3 * m.tensors[y].scale, (1, 12), constants=[axes],
                table="ReducerOptions", version=2, KeepDims=False)  # fmt: skip
    y = n.product("FULLY_CONNECTED", y, (10, 12), (1, 10), 0, 12, "FullyConnectedOptions",
                  version=7)  # fmt: skip
    y = n.unary("SOFTMAX", y, Q15, table="SoftmaxOptions", Beta=1.0)
    m.outputs.append(m.tensor("y", (1, 10), "float32"))
    m.operator("DEQUANTIZE", [y], m.outputs, "DequantizeOptions", version=3)
    return m
