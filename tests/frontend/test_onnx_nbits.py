"""MatMulNBits and weight-only models: real products with dequantized weights, against ONNX Runtime.

A product of reals is a sum in another order there, so they agree within the rounding of a sum of K
products: K / 2 units of float32 relative to the sum of their magnitudes, and in fp16 one unit of
the result more. The weights themselves agree to the bit: rows that pick single weights are exact.
"""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx_bytes
from npusim.ir.graph import Graph
from npusim.numerics.formats import FP32, UINT4, UINT8
from npusim.numerics.packing import pack_int4
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import node_model, runtime_output


def read(model: onnx.ModelProto) -> Graph:
    return read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))


def nbits(
    depth: int, units: int, block: int, *, bits: int = 4, zeros: str = "", bias: bool = False,
    dtype: type = np.float32, rows: int = 5, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """A MatMulNBits with random weights; `zeros` are absent, packed or real."""
    rng = np.random.default_rng(depth + units + block)
    blocks = -(-depth // block)
    stored = rng.integers(0, 1 << bits, (units, blocks, block)).astype(np.uint8)
    packed = stored if bits == 8 else pack_int4(stored).reshape(units, blocks, block // 2)
    points = rng.integers(0, 1 << bits, (units, blocks)).astype(np.uint8)
    even = np.concatenate([points, np.zeros((units, blocks % 2), np.uint8)], axis=1)
    given = {
        "": None,
        "packed": points if bits == 8 else pack_int4(even).reshape(units, -1),
        "real": points.astype(dtype),
    }[zeros]
    scales = rng.uniform(0.01, 0.1, (units, blocks)).astype(dtype)
    shift = rng.normal(0, 1, units).astype(dtype) if bias else None
    kind = T.FLOAT if dtype is np.float32 else T.FLOAT16
    return node_model(
        "MatMulNBits", (kind, (2, rows, depth)), [packed, scales, given, None, shift], kind,
        domain="com.microsoft", K=depth, N=units, bits=bits, block_size=block, **attributes,
    )  # fmt: skip


CASES = {
    "plain": nbits(64, 24, 32), "one block": nbits(32, 5, 32), "small": nbits(48, 7, 16),
    "large blocks": nbits(256, 16, 128), "padded": nbits(100, 9, 32),
    "packed zeros": nbits(96, 8, 32, zeros="packed"), "real zeros": nbits(96, 8, 32, zeros="real"),
    "bias": nbits(64, 24, 32, bias=True), "eight bits": nbits(64, 12, 32, bits=8, zeros="packed"),
    "one unit": nbits(64, 1, 16, zeros="packed"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_products_are_those_of_onnx_runtime(name: str) -> None:
    model = CASES[name]
    graph = read(model)
    (node,) = graph.nodes
    weights = graph.tensors[node.inputs[1]]
    assert weights.format == (UINT8 if name == "eight bits" else UINT4)
    assert weights.quantization is not None and weights.data is not None
    shape = graph.tensors["x"].shape
    x = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
    found, expected = evaluate(graph, {"x": x})["y"], runtime_output(model, x)
    real = weights.quantization.real(weights.data)
    magnitudes = np.abs(x.astype(np.float64)) @ np.abs(real.T.astype(np.float64)) + 10
    bound = shape[-1] / 2 * np.finfo(np.float32).eps * magnitudes
    assert np.all(np.abs(found.astype(np.float64) - expected) <= bound)


@pytest.mark.parametrize("name", ["plain", "padded", "packed zeros", "eight bits"])
def test_weights_are_those_of_onnx_runtime(name: str) -> None:
    """A row with a single 1 picks a weight of each unit: no sum rounds.

    Not so with zero points as reals, for which ONNX Runtime rounds q * scale first.
    """
    model = CASES[name]
    depth = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    graph = read(model)
    weights = graph.tensors[graph.nodes[0].inputs[1]]
    assert weights.quantization is not None and weights.data is not None
    real = weights.quantization.real(weights.data)
    for start in range(0, depth, 10):
        x = np.zeros((2, 5, depth), np.float32)
        for at in range(min(10, depth - start)):
            x[at // 5, at % 5, start + at] = 1
        np.testing.assert_array_equal(runtime_output(model, x), x @ real.T)


def test_fp16_within_one_unit_of_the_result() -> None:
    model = nbits(64, 24, 32, dtype=np.float16)
    x = np.random.default_rng(2).normal(0, 1, (2, 5, 64)).astype(np.float16)
    found, expected = evaluate(read(model), {"x": x})["y"], runtime_output(model, x)
    assert found.dtype == expected.dtype == np.float16
    # fp16 sums of 64 products in the runtime, each rounded to fp16 of the sum's size at most
    assert np.max(np.abs(found - expected.astype(np.float32))) <= 64 * 2.0**-11 * 4


def test_what_the_file_has_no_right_to() -> None:
    for model in (nbits(64, 8, 32, bits=4), nbits(64, 8, 32, zeros="packed")):
        model.graph.initializer[-1].dims[0] -= 1
        model.graph.initializer[-1].raw_data = b""
        with pytest.raises(ModelFileError):
            read(model)
    for attributes, what in (({"bits": 2}, "2 bits"), ({"weight_prepacked": 1}, "packed")):
        model = nbits(64, 8, 32, **{"bits": 4, **attributes})
        with pytest.raises(UnsupportedModelError, match=what):
            read(model)
    for name, value in (("block_size", 24), ("block_size", 8), ("N", 0), ("K", 200)):
        model = nbits(64, 8, 32)
        next(a for a in model.graph.node[0].attribute if a.name == name).i = value
        with pytest.raises(ModelFileError):
            read(model)


STORED = {
    "int4 blocks": (ml_dtypes.int4, {"axis": 0, "block_size": 16}),
    "uint4 blocks": (ml_dtypes.uint4, {"axis": 0, "block_size": 32}),
    "int8 blocks": (np.int8, {"axis": 0, "block_size": 16}),
    "int4 columns": (ml_dtypes.int4, {"axis": 1}),
    "int8 blocks of columns": (np.int8, {"axis": 1, "block_size": 4}),
    "float8 columns": (ml_dtypes.float8_e4m3fn, {"axis": 1}),
}


def test_stored_weights_may_be_transposed() -> None:
    """A Transpose of dequantized weights moves their blocks of scales along."""
    rng = np.random.default_rng(5)
    stored = rng.integers(-7, 8, (12, 64)).astype(ml_dtypes.int4)
    scale = rng.uniform(0.01, 0.2, (12, 4)).astype(np.float32)
    model = node_model("MatMul", (T.FLOAT, (5, 64)), [stored], T.FLOAT)
    model.graph.initializer.append(onnx.numpy_helper.from_array(scale, "s"))
    nodes = [
        onnx.helper.make_node("DequantizeLinear", ["c0", "s"], ["d"], axis=1, block_size=16),
        onnx.helper.make_node("Transpose", ["d"], ["w"], perm=[1, 0]),
    ]
    model.graph.node[0].input[1] = "w"
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    graph = read(model)
    assert [node.op.kind for node in graph.nodes] == ["fully_connected"]
    weights = graph.tensors[graph.nodes[0].inputs[1]]
    assert weights.data is not None and weights.quantization is not None
    real = weights.quantization.real(weights.data)
    np.testing.assert_array_equal(real, stored.astype(np.float32) * scale.repeat(16, axis=1))


@pytest.mark.parametrize("name", STORED)
def test_weight_only_quantization_is_a_real_product(name: str) -> None:
    """Float32 activations, weights behind a DequantizeLinear: they stay stored until they run."""
    dtype, attributes = STORED[name]
    depth, units = 64, 12
    rng = np.random.default_rng(4)
    low = 0 if dtype is ml_dtypes.uint4 else -7
    stored = rng.integers(low, 8, (depth, units)).astype(dtype)
    axis, block = attributes["axis"], attributes.get("block_size")
    shape = [depth, units] if block else [(depth, units)[axis]]
    if block:
        shape[axis] //= block
    scale = rng.uniform(0.01, 0.2, shape).astype(np.float32)
    zero = np.zeros(shape, np.int8).astype(dtype)
    model = node_model("MatMul", (T.FLOAT, (5, depth)), [stored], T.FLOAT)
    model.graph.initializer.append(onnx.numpy_helper.from_array(scale, "s"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(zero, "z"))
    border = onnx.helper.make_node("DequantizeLinear", ["c0", "s", "z"], ["w"], **attributes)
    model.graph.node[0].input[1] = "w"
    model.graph.node.insert(0, border)
    graph = read(model)
    assert [node.op.kind for node in graph.nodes] == ["fully_connected"]
    weights = graph.tensors[graph.nodes[0].inputs[1]]
    assert weights.format != FP32 and weights.shape == (units, depth)
    x = rng.normal(0, 1, (5, depth)).astype(np.float32)
    found, expected = evaluate(graph, {"x": x})["y"], runtime_output(model, x)
    magnitudes = np.abs(x).sum(axis=1, keepdims=True) * 8 * 0.2
    assert np.all(np.abs(found - expected) <= depth / 2 * np.finfo(np.float32).eps * magnitudes)
