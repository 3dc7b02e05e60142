"""Single-operator TFLite models on odd shapes, strides, paddings, scales and zero points.

`cases(kind, seed)` builds one; each is drawn from a seeded generator, so that a failure names the
seed that shows it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.tflite_draws import RANGES as _RANGES
from tests.support.tflite_draws import draw_bias as _bias
from tests.support.tflite_draws import draw_input as _input
from tests.support.tflite_draws import draw_output as _output
from tests.support.tflite_draws import draw_scale as _scale
from tests.support.tflite_draws import draw_weights as _weights
from tests.support.tflite_draws import draw_zero as _zero
from tests.support.tflite_draws import fitting_scale as _fitting_scale
from tests.support.tflite_draws import window_extent as _extent
from tests.support.tflite_models import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, TinyModel
from tests.support.tflite_movements import MOVEMENTS
from tests.support.tflite_pairs import PAIRS
from tests.support.tflite_reductions import REDUCTIONS
from tests.support.tflite_transposed import transposed_conv

Rng = np.random.Generator
VERSIONS = {"RELU_N1_TO_1": 1, "RELU_0_TO_1": 1, "HARD_SWISH": 1}
"""Versions of operators where 2 is not one."""
ACTIVATIONS = (NONE, RELU, RELU6, RELU_N1_TO_1)


def conv(rng: Rng, dtype: str) -> TinyModel:
    """CONV_2D."""
    m = TinyModel()
    taps = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    dilation = (1, 1) if rng.random() < 0.6 else (int(rng.integers(1, 4)), int(rng.integers(1, 3)))
    padding = int(rng.choice([SAME, VALID]))
    size = tuple(int(rng.integers(13, 18)) for _ in range(2))
    c, k = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    x = _input(m, rng, (int(rng.integers(1, 3)), *size, c), dtype)
    w, scale = _weights(m, rng, (k, *taps, c), dtype, 0)
    bias = _bias(m, rng, k, x, scale)
    out = [_extent(size[i], taps[i], stride[i], dilation[i], padding) for i in range(2)]
    depth = taps[0] * taps[1] * c
    y_scale = _fitting_scale(rng, m, x, scale, depth)
    y = _output(m, rng, (m.tensors[x].shape[0], *out, k), dtype, y_scale)
    m.operator("CONV_2D", [x, w, bias], [y], "Conv2DOptions", Padding=padding,
               StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation[0],
               DilationWFactor=dilation[1],
               FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
    return m


def depthwise(rng: Rng, dtype: str) -> TinyModel:
    """DEPTHWISE_CONV_2D."""
    m = TinyModel()
    taps = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    stride = (int(rng.integers(1, 4)),) * 2
    dilation = (1, 1) if stride[0] > 1 or rng.random() < 0.6 else (2, 2)
    padding = int(rng.choice([SAME, VALID]))
    size = tuple(int(rng.integers(9, 14)) for _ in range(2))
    c, multiplier = int(rng.integers(1, 9)), int(rng.choice([1, 1, 2, 3]))
    x = _input(m, rng, (1, *size, c), dtype)
    w, scale = _weights(m, rng, (1, *taps, c * multiplier), dtype, 3)
    bias = _bias(m, rng, c * multiplier, x, scale)
    out = [_extent(size[i], taps[i], stride[i], dilation[i], padding) for i in range(2)]
    y_scale = _fitting_scale(rng, m, x, scale, taps[0] * taps[1])
    y = _output(m, rng, (1, *out, c * multiplier), dtype, y_scale)
    m.operator("DEPTHWISE_CONV_2D", [x, w, bias], [y], "DepthwiseConv2DOptions", Padding=padding,
               StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation[0],
               DilationWFactor=dilation[1], DepthMultiplier=multiplier,
               FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
    return m


def fully_connected(rng: Rng, dtype: str) -> TinyModel:
    """FULLY_CONNECTED."""
    m = TinyModel()
    rows, c, k = int(rng.integers(1, 4)), int(rng.integers(1, 90)), int(rng.integers(1, 20))
    x = _input(m, rng, (rows, c), dtype)
    w, scale = _weights(m, rng, (k, c), dtype, 0)
    bias = -1 if rng.random() < 0.2 else _bias(m, rng, k, x, scale)
    y = _output(m, rng, (rows, k), dtype, _fitting_scale(rng, m, x, scale, c))
    m.operator("FULLY_CONNECTED", [x, w, bias], [y], "FullyConnectedOptions", version=5,
               FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
    return m


def _binary(kind: str, table: str) -> Callable[[Rng, str], TinyModel]:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m = TinyModel()
        shape = (1, 5, 7, 6)
        other = [shape, shape, (1, 1, 1, 6), (1,), (5, 7, 6), (1, 5, 1, 6)]
        a = _input(m, rng, shape, dtype, "a")
        b = _input(m, rng, other[int(rng.integers(len(other)))], dtype, "b")
        if kind == "ADD":
            y = _output(m, rng, shape, dtype, 1.3 * _larger(m, a, b) * rng.uniform(0.3, 2))
        else:
            y = _output(m, rng, shape, dtype, m.tensors[a].scale * m.tensors[b].scale
                        * float(rng.uniform(1.1, 200)))  # fmt: skip
        m.operator(kind, [a, b], [y], table, version=2,
                   FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
        return m

    return build


def _larger(m: TinyModel, a: int, b: int) -> float:
    return max(m.tensors[a].scale, m.tensors[b].scale)


def _pool(kind: str) -> Callable[[Rng, str], TinyModel]:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m = TinyModel()
        taps = int(rng.integers(1, 6)), int(rng.integers(1, 5))
        stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        padding = int(rng.choice([SAME, VALID]))
        size = tuple(int(rng.integers(6, 12)) for _ in range(2))
        c = int(rng.integers(1, 20))
        x = _input(m, rng, (1, *size, c), dtype)
        out = [_extent(size[i], taps[i], stride[i], 1, padding) for i in range(2)]
        same = m.tensors[x]
        y = _output(m, rng, (1, *out, c), dtype, same.scale, same.zero_point)
        m.operator(kind, [x], [y], "Pool2DOptions", Padding=padding, version=2,
                   StrideH=stride[0], StrideW=stride[1], FilterHeight=taps[0], FilterWidth=taps[1],
                   FusedActivationFunction=int(rng.choice(ACTIVATIONS)))  # fmt: skip
        return m

    return build


def mean(rng: Rng, dtype: str) -> TinyModel:
    """MEAN."""
    m = TinyModel()
    shape = (int(rng.integers(1, 3)), *(int(rng.integers(1, 12)) for _ in range(3)))
    choices: list[tuple[int, ...]] = [(1, 2), (2, 1), (1,), (2,), (3,), (-1,), (1, 2, 3), (1, 2)]
    axes = choices[int(rng.integers(len(choices)))]
    keep = bool(rng.random() < 0.5)
    reduced = {axis % 4 for axis in axes}
    kept = tuple(1 if i in reduced else e for i, e in enumerate(shape) if keep or i not in reduced)
    x = _input(m, rng, shape, dtype)
    same = rng.random() < 0.3
    tensor = m.tensors[x]
    scale = tensor.scale if same else tensor.scale * float(rng.uniform(0.2, 2))
    y = _output(m, rng, kept, dtype, scale, tensor.zero_point if same else None)
    axis_data = np.array(axes, np.int32)
    m.operator("MEAN", [x, m.constant("axes", axis_data)], [y], "ReducerOptions", version=2,
               KeepDims=keep)  # fmt: skip
    return m


def softmax(rng: Rng, dtype: str) -> TinyModel:
    """SOFTMAX; LiteRT's reference kernel aborts where the sum of exponentials reaches 512."""
    m = TinyModel()
    n = int(rng.choice([1, 2, 3, 10, 12, 255, 300]))
    shape = (int(rng.integers(1, 6)), n) if rng.random() < 0.7 else (1, 3, 2, n)
    x = _input(m, rng, shape, dtype)
    beta = float(rng.choice([1.0, 1.0, 0.5, 2.5]))
    zero = -128 if dtype == "int8" else 0
    y = _output(m, rng, shape, dtype, 1 / 256, zero)
    m.operator("SOFTMAX", [x], [y], "SoftmaxOptions", version=2, Beta=beta)
    return m


def reshape(rng: Rng, dtype: str) -> TinyModel:
    """RESHAPE."""
    m = TinyModel()
    x = _input(m, rng, (1, 3, 4, 5), dtype)
    t = m.tensors[x]
    y = _output(m, rng, (4, 15), dtype, t.scale, t.zero_point)
    shape = m.constant("shape", np.array([4, 15], np.int32))
    m.operator("RESHAPE", [x, shape], [y], version=1)
    return m


def concatenation(rng: Rng, dtype: str) -> TinyModel:
    """CONCATENATION; of one scale but for uint8, which TFLite rescales."""
    m = TinyModel()
    axis = int(rng.choice([1, 2, 3, -1]))
    count = int(rng.integers(1, 4))
    shapes = []
    for _ in range(count):
        shape = [1, 4, 5, 3]
        shape[axis] = int(rng.integers(1, 7))
        shapes.append(tuple(shape))
    out = list(shapes[0])
    out[axis] = sum(shape[axis] for shape in shapes)
    inputs = [_input(m, rng, shape, dtype, f"x{i}") for i, shape in enumerate(shapes)]
    first = m.tensors[inputs[0]]
    if dtype != "uint8" or rng.random() < 0.4:
        for index in inputs:
            m.tensors[index].scale, m.tensors[index].zero_point = first.scale, first.zero_point
    y = _output(m, rng, tuple(out), dtype, first.scale, first.zero_point)
    m.operator("CONCATENATION", inputs, [y], "ConcatenationOptions", version=2, Axis=axis)
    return m


def pad(rng: Rng, dtype: str) -> TinyModel:
    """PAD."""
    m = TinyModel()
    shape = (1, 4, 5, 3)
    pairs = rng.integers(0, 4, (4, 2)).astype(np.int32)
    pairs[0] = 0
    x = _input(m, rng, shape, dtype)
    t = m.tensors[x]
    out = tuple(int(e + p.sum()) for e, p in zip(shape, pairs, strict=True))
    y = _output(m, rng, out, dtype, t.scale, t.zero_point)
    m.operator("PAD", [x, m.constant("pairs", pairs)], [y], "PadOptions", version=2)
    return m


def _unary(kind: str, table: str = "", **options: Any) -> Callable[[Rng, str], TinyModel]:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m = TinyModel()
        shape = (1, 6, 5, 7)
        x = _input(m, rng, shape, dtype)
        t = m.tensors[x]
        same = rng.random() < 0.4
        scale = t.scale if same else t.scale * float(rng.uniform(0.1, 3))
        y = _output(m, rng, shape, dtype, scale, t.zero_point if same else None)
        m.operator(kind, [x], [y], table, version=VERSIONS.get(kind, 2), **options)
        return m

    return build


def logistic(rng: Rng, dtype: str) -> TinyModel:
    """LOGISTIC, whose output scale TFLite fixes."""
    m = TinyModel()
    x = _input(m, rng, (2, 3, 5, 7), dtype)
    y = _output(m, rng, (2, 3, 5, 7), dtype, 1 / 256, _RANGES[dtype][0])
    m.operator("LOGISTIC", [x], [y], version=2)
    return m


def prelu(rng: Rng, dtype: str) -> TinyModel:
    """PRELU with slopes that broadcast."""
    m = TinyModel()
    shape = (1, 6, 5, 7)
    x = _input(m, rng, shape, dtype)
    slopes = [(7,), (1, 1, 7), (6, 5, 7), (1,), (5, 1)]
    low, high = _RANGES[dtype]
    extents = slopes[int(rng.integers(len(slopes)))]
    data = rng.integers(low, high + 1, extents).astype(dtype)
    alpha = m.constant("alpha", data, _scale(rng), _zero(rng, dtype))
    y = _output(m, rng, shape, dtype)
    m.operator("PRELU", [x, alpha], [y], version=1)
    return m


def requantize(rng: Rng, dtype: str) -> TinyModel:
    """QUANTIZE from integers, to either format; one in three only moves the zero point by 128."""
    m = TinyModel()
    shape = (1, 6, 5, 7)
    x = _input(m, rng, shape, dtype)
    t = m.tensors[x]
    target = str(rng.choice(["int8", "uint8"]))
    if target != dtype and rng.random() < 0.5:
        moved = t.zero_point - 128 if target == "int8" else t.zero_point + 128
        y = _output(m, rng, shape, target, t.scale, moved)
    else:
        y = _output(m, rng, shape, target, t.scale * float(rng.uniform(0.1, 3)))
    m.operator("QUANTIZE", [x], [y], "QuantizeOptions", version=2)
    return m


def quantize(rng: Rng, dtype: str) -> TinyModel:
    """QUANTIZE from float32."""
    m = TinyModel()
    x = m.tensor("x", (1, 6, 5, 7), "float32")
    m.inputs.append(x)
    y = _output(m, rng, (1, 6, 5, 7), dtype)
    m.operator("QUANTIZE", [x], [y], "QuantizeOptions", version=1)
    return m


def dequantize(rng: Rng, dtype: str) -> TinyModel:
    """DEQUANTIZE to float32."""
    m = TinyModel()
    x = _input(m, rng, (1, 6, 5, 7), dtype)
    m.outputs.append(m.tensor("y", (1, 6, 5, 7), "float32"))
    m.operator("DEQUANTIZE", [x], [m.outputs[0]], "DequantizeOptions", version=2)
    return m


KINDS: dict[str, Callable[[Rng, str], TinyModel]] = {
    **MOVEMENTS,
    **PAIRS,
    **REDUCTIONS,
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "ADD": _binary("ADD", "AddOptions"),
    "MUL": _binary("MUL", "MulOptions"),
    "TRANSPOSE_CONV": transposed_conv,
    "AVERAGE_POOL_2D": _pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": _pool("MAX_POOL_2D"),
    "MEAN": mean,
    "SOFTMAX": softmax,
    "RESHAPE": reshape,
    "CONCATENATION": concatenation,
    "PAD": pad,
    "RELU": _unary("RELU"),
    "RELU6": _unary("RELU6"),
    "RELU_N1_TO_1": _unary("RELU_N1_TO_1"),
    "RELU_0_TO_1": _unary("RELU_0_TO_1"),
    "HARD_SWISH": _unary("HARD_SWISH"),
    "LEAKY_RELU": _unary("LEAKY_RELU", "LeakyReluOptions", Alpha=0.2),
    "LOGISTIC": logistic,
    "PRELU": prelu,
    "TANH": _unary("TANH"),
    "REQUANTIZE": requantize,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
}


def inputs_for(m: TinyModel, rng: Rng) -> dict[str, np.ndarray]:
    """Random inputs of the whole range; float32 ones include ties and values out of range."""
    values: dict[str, Any] = {}
    for index in m.inputs:
        t = m.tensors[index]
        if t.dtype == "float32":
            scale = m.tensors[m.outputs[0]].scale
            x = rng.normal(0, 60, t.shape).astype(np.float32) * np.float32(scale)
            ties = (rng.integers(-200, 200, t.shape) + 0.5).astype(np.float32) * np.float32(scale)
            values[t.name] = np.where(rng.random(t.shape) < 0.4, ties, x).astype(np.float32)
            continue
        low, high = _RANGES[t.dtype]
        x = rng.integers(low, high + 1, t.shape)
        extreme = rng.random(t.shape) < 0.1
        values[t.name] = np.where(extreme, rng.choice([low, high], t.shape), x).astype(t.dtype)
    return values
