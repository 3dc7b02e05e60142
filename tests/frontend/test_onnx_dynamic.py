"""Quantization at run time: integers to the bit, reals within rounding, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from npusim import api
from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.frontend.onnx import read_onnx, read_onnx_bytes
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import node_model, runtime_output
from tests.support.onnx_models import NetworkBuilder, random_inputs, session


def one(
    op: str, x: tuple[int, ...], constants: dict[str, np.ndarray], outputs: dict[str, int],
    inputs: list[str], kind: int = TensorProto.UINT8, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """A model of one node; `inputs` names x and constants, empty where one is absent."""
    node = helper.make_node(op, inputs, list(outputs), "operator", **attributes)
    ends = [helper.make_tensor_value_info("x", kind, x)]
    outs = [helper.make_tensor_value_info(name, fmt, None) for name, fmt in outputs.items()]
    given = [numpy_helper.from_array(data, name) for name, data in constants.items()]
    graph = helper.make_graph([node], "g", ends, outs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def check(model: onnx.ModelProto, path: Path, x: np.ndarray) -> None:
    """Every element of every output."""
    onnx.save(model, path)
    values = evaluate(read_onnx(path), {"x": x})
    oracle = session(path)
    for output, expected in zip(oracle.get_outputs(), oracle.run(None, {"x": x}), strict=True):
        assert values[output.name].dtype == expected.dtype
        np.testing.assert_array_equal(values[output.name], expected)


RANGES = {
    "both signs": (-3.0, 2.0), "positive": (1.0, 5.0), "negative": (-7.0, -2.0),
    "tiny": (-1e-30, 1e-30), "large": (-1e30, 3e30), "zero": (0.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_a_range_found_at_run_time(tmp_path: Path, name: str) -> None:
    low, high = RANGES[name]
    outputs = {"y": TensorProto.UINT8, "s": TensorProto.FLOAT, "z": TensorProto.UINT8}
    model = one("DynamicQuantizeLinear", (3, 50), {}, outputs, ["x"], TensorProto.FLOAT)
    for seed in range(4):
        x = np.random.default_rng(seed).uniform(low, high, (3, 50)).astype(np.float32)
        check(model, tmp_path / "one.onnx", x)


@pytest.mark.parametrize("weights", ["int8", "uint8"])
@pytest.mark.parametrize("zeros", ["both", "per column", "none"])
@pytest.mark.parametrize("shape", [(5, 13), (2, 3, 13)])
def test_matmul_integer(tmp_path: Path, weights: str, zeros: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    info = np.iinfo(weights)
    constants = {"w": rng.integers(info.min, info.max + 1, (13, 6)).astype(weights)}
    names = ["x", "w"]
    if zeros != "none":
        constants["xz"] = np.array(117, np.uint8)
        columns = 6 if zeros == "per column" else 1
        constants["wz"] = rng.integers(3, 90, columns).astype(weights)
        names += ["xz", "wz"]
    model = one("MatMulInteger", shape, constants, {"y": TensorProto.INT32}, names)
    check(model, tmp_path / "one.onnx", rng.integers(0, 256, shape).astype(np.uint8))


@pytest.mark.parametrize(
    ("w", "attributes"),
    [((6, 4, 3, 3), {"pads": [1, 1, 1, 1]}), ((6, 2, 3, 2), {"group": 2, "strides": [2, 1]}),
     ((4, 1, 3, 3), {"group": 4, "dilations": [1, 2]})],
)  # fmt: skip
@pytest.mark.parametrize("zero", [0, 117])
def test_conv_integer(
    tmp_path: Path, w: tuple[int, ...], attributes: dict[str, object], zero: int
) -> None:
    rng = np.random.default_rng(3)
    constants = {
        "w": rng.integers(0, 256, w).astype(np.uint8),
        "xz": np.array(zero, np.uint8),
        "wz": np.array(121, np.uint8),
    }
    names = ["x", "w", "xz", "wz"]
    model = one("ConvInteger", (2, 4, 7, 8), constants, {"y": TensorProto.INT32}, names,
                **attributes)  # fmt: skip
    check(model, tmp_path / "one.onnx", rng.integers(0, 256, (2, 4, 7, 8)).astype(np.uint8))


def dynamic_network(folder: Path, gemm: bool = True) -> Path:
    """A small network that ONNX Runtime quantized dynamically."""
    b = NetworkBuilder(seed=3)
    x = b.node("Relu", [b.conv("image", 3, 8, 3)])
    x = b.node("Flatten", [b.node("GlobalAveragePool", [b.conv(x, 8, 16, 3, stride=2)])])
    y = b.dense(x, 16, 5, gemm)
    onnx.save(b.model({"image": (1, 3, 12, 12)}, {y: (1, 5)}), folder / "float.onnx")
    target = folder / "dynamic.onnx"
    quantize_dynamic(str(folder / "float.onnx"), str(target), weight_type=QuantType.QUInt8,
                     op_types_to_quantize=["Conv", "MatMul", "Gemm"])  # fmt: skip
    return target


@pytest.mark.parametrize("gemm", [True, False])
def test_a_network_that_is_quantized_dynamically(tmp_path: Path, gemm: bool) -> None:
    """Values differ where a last bit decides a rounding: by one step of 255 at most."""
    path = dynamic_network(tmp_path, gemm)
    graph = read_onnx(path)
    kinds = [node.op.kind for node in graph.nodes]
    assert kinds.count("conv_integer") == 2 and kinds.count("matmul_integer") == 1
    oracle = session(path)
    for sample in random_inputs(onnx.load(path), 5):
        (expected,) = oracle.run(None, sample)
        found = evaluate(graph, sample)[graph.outputs[0]]
        np.testing.assert_allclose(found, expected, rtol=0, atol=np.abs(expected).max() / 255)


def test_products_run_on_the_array_and_tile_by_tile(tmp_path: Path) -> None:
    path = dynamic_network(tmp_path)
    program = api.schedule(path, "edge-npu-1")
    report = api.report_of(program)
    on_array = {layer.op for layer in report.layers if layer.macs}
    assert on_array == {"conv_integer", "matmul_integer"}
    assert {layer.on for layer in report.layers if layer.macs} == {"npu"}
    (sample,) = random_inputs(onnx.load(path), 1)
    executor = Executor(program, profile_named("onnx"), kernels())
    whole, tiled = executor.run(sample), executor.run(sample, by_tiles=True)
    for name in whole:
        np.testing.assert_array_equal(tiled[name], whole[name])


def test_what_is_not_supported_or_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.onnx"
    weights = np.ones((13, 6), np.int8)
    model = one("MatMulInteger", (5, 13), {"w": weights, "z": np.zeros(5, np.uint8)},
                {"y": TensorProto.INT32}, ["x", "w", "z"])  # fmt: skip
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match=r"operator.*5 zero points of its input"):
        read_onnx(path)
    model = one("MatMulInteger", (5, 5), {}, {"y": TensorProto.INT32}, ["x", "x"])
    onnx.save(model, path)
    with pytest.raises(UnsupportedModelError, match=r"operator.*must be a constant"):
        read_onnx(path)


COMBINED = [
    (64, 12, True, True, False), (64, 12, True, False, True), (33, 7, False, True, False),
    (33, 7, True, True, True),
]  # fmt: skip
"""Depth, units, a zero point, a bias, a scale for each column."""


@pytest.mark.parametrize("case", COMBINED)
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_products_that_quantize_and_dequantize(case: tuple[int, ...], kind: type) -> None:
    depth, units, has_zero, has_bias, per_column = case
    rng = np.random.default_rng(depth)
    info, shape = np.iinfo(kind), (units,) if per_column else ()
    weights = rng.integers(info.min, info.max, (depth, units)).astype(kind)
    scale = rng.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = rng.integers(0, 9, shape).astype(kind) if has_zero else None
    bias = rng.normal(0, 1, units).astype(np.float32) if has_bias else None
    real = rng.normal(0, 1, (3, 5, depth)).astype(np.float32)
    stored = rng.integers(0, 256, (3, 5, depth)).astype(np.uint8)
    at_run_time = node_model(
        "DynamicQuantizeMatMul", (TensorProto.FLOAT, real.shape), [weights, scale, zero, bias],
        TensorProto.FLOAT, domain="com.microsoft",
    )  # fmt: skip
    constants = [weights, np.float32(0.03), scale, np.array(4, np.uint8), zero, bias]
    given = node_model(
        "MatMulIntegerToFloat", (TensorProto.UINT8, stored.shape), constants,
        TensorProto.FLOAT, domain="com.microsoft",
    )  # fmt: skip
    for model, x in ((at_run_time, real), (given, stored)):
        graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
        np.testing.assert_array_equal(evaluate(graph, {"x": x})["y"], runtime_output(model, x))
