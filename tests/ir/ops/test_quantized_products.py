"""Products of 16-bit, 4-bit and blocked operands from ONNX files: fused, near ONNX Runtime's float
path, and by tiles what they are at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from npusim.errors import UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.frontend import load_model
from npusim.hardware.loader import load_hardware
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.program import Program
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import runtime_output
from tests.support.programs import program_of

X_SCALE, Y_SCALE = np.float32(3e-4), np.float32(4e-3)
FORMATS = {
    "int16*int8": (np.int16, np.int8), "uint16*int8": (np.uint16, np.int8),
    "int16*int4": (np.int16, ml_dtypes.int4), "int8*int4": (np.int8, ml_dtypes.int4),
    "uint8*uint4": (np.uint8, ml_dtypes.uint4),
}  # fmt: skip


def qdq_model(
    kind: str, pair: str, block: int = 0, groups: int = 1, channels: int = 24
) -> tuple[onnx.ModelProto, np.ndarray]:
    """A convolution or matrix product between borders, and an input for it."""
    x_type, w_type = FORMATS[pair]
    rng = np.random.default_rng([len(pair), block, groups])
    low, high = (int(ml_dtypes.iinfo(w_type).min), int(ml_dtypes.iinfo(w_type).max))
    units = 8
    shape = (channels, units) if kind == "MatMul" else (units, channels // groups, 3, 3)
    w = rng.integers(low, high + 1, shape).astype(w_type)
    depth_axis, out_axis = (0, 1) if kind == "MatMul" else (1, 0)
    if block:
        blocks = tuple(-(-e // block) if a == depth_axis else e for a, e in enumerate(shape))
        w_scale, axis = rng.uniform(1e-3, 0.02, blocks).astype(np.float32), depth_axis
    else:
        w_scale, axis = rng.uniform(1e-3, 0.02, shape[out_axis]).astype(np.float32), out_axis
    wide = np.dtype(x_type).itemsize == 2
    x_scale = X_SCALE if wide else X_SCALE * np.float32(200)
    middle = 0 if np.dtype(x_type).kind == "i" else np.iinfo(x_type).max // 2
    zero = np.array(middle, x_type)
    w_zero = np.full(w_scale.shape, 7 if np.dtype(w_type) == np.dtype(ml_dtypes.uint4) else 0)
    y_scale = Y_SCALE if wide else Y_SCALE * np.float32(200)
    given = {
        "w": w, "ws": w_scale, "wz": w_zero.astype(w_type), "xs": np.array(x_scale), "xz": zero,
        "ys": np.array(y_scale), "yz": zero,
    }  # fmt: skip
    extra = {"block_size": block} if block else {}
    attributes = {} if kind == "MatMul" else {"group": groups, "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xr"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wr"], axis=axis, **extra),
        helper.make_node(kind, ["xr", "wr"], ["yr"], "product", **attributes),
        helper.make_node("QuantizeLinear", ["yr", "ys", "yz"], ["y"]),
    ]
    x_shape = (5, channels) if kind == "MatMul" else (1, channels, 7, 6)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(x_type))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", element, x_shape)],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(value, name) for name, value in given.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    span = np.iinfo(x_type)
    return model, rng.integers(span.min, span.max + 1, x_shape).astype(x_type)


def loaded(model: onnx.ModelProto, folder: Path) -> Graph:
    file = folder / "product.onnx"
    onnx.save(model, file)
    return load_model(file)


CASES = [
    (kind, pair, block, groups)
    for kind, groups in (("MatMul", 1), ("Conv", 1), ("Conv", 2), ("Conv", 24))
    for pair in FORMATS
    for block in (0, 8, 32)
    if not (groups > 1 and block) and (groups < 24 or pair != "uint8*uint4")
]


def _cases() -> list[tuple[str, str, int, int]]:
    """Depthwise models need as many units as channels: theirs have 8 of each."""
    return [
        (kind, pair, block, 8 if groups == 24 else groups) for kind, pair, block, groups in CASES
    ]


@pytest.mark.parametrize(("kind", "pair", "block", "groups"), _cases())
def test_a_product_between_borders_is_fused_and_near_onnx_runtime(
    kind: str, pair: str, block: int, groups: int, tmp_path: Path
) -> None:
    model, x = qdq_model(kind, pair, block, groups, 8 if groups == 8 else 24)
    graph = loaded(model, tmp_path)
    assert [node.op.kind for node in graph.nodes] == [
        "fully_connected" if kind == "MatMul" else "conv2d"
    ]
    found = evaluate(graph, {"x": x}, "onnx")[graph.outputs[0]]
    expected = runtime_output(model, x)
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    for path in ("numba", kernels().path):
        np.testing.assert_array_equal(
            evaluate(graph, {"x": x}, "onnx", path)[graph.outputs[0]], found
        )


def _program(graph: Graph, **fields: object) -> Program:
    hardware = load_hardware("edge-npu-1", {
        "mac_array.precisions": {"int8*int8": 1, "int16*int8": 0.5},
        "mac_array.rows": 4, "mac_array.cols": 4, "memory.sram.size": "4 KiB",
        "mac_array.accumulator.format": "int48", **fields,
    })  # fmt: skip
    return program_of(graph, hardware)


@pytest.mark.parametrize("kind", ["MatMul", "Conv"])
@pytest.mark.parametrize("pair", ["int16*int4", "int8*int4", "uint8*uint4"])
@pytest.mark.parametrize("tile_c", [24, 8, 5])
def test_blocks_by_tiles_are_blocks_at_once(
    kind: str, pair: str, tile_c: int, tmp_path: Path
) -> None:
    model, x = qdq_model(kind, pair, 8)
    program = _program(loaded(model, tmp_path))
    assert program.steps[0].pair
    table = program.table.copy()
    table["tile_c"] = tile_c
    program = dataclasses.replace(program, table=table)
    found = [
        Executor(program, profile_named("onnx"), kernels(path)).run({"x": x}, by_tiles=by_tiles)
        for path in ("reference", kernels().path)
        for by_tiles in (False, True)
    ]
    for one in found[1:]:
        np.testing.assert_array_equal(one["y"], found[0]["y"])


def test_a_sum_of_a_block_that_may_saturate_is_refused(tmp_path: Path) -> None:
    graph = loaded(qdq_model("MatMul", "int8*int4", 8)[0], tmp_path)
    saturating = {"mac_array.accumulator.on_overflow": "saturate"}
    enough = _program(graph, **{"mac_array.accumulator.format": "int16"}, **saturating)
    Executor(enough, profile_named("onnx"), kernels("reference"))
    narrow = _program(graph, **{"mac_array.accumulator.format": "int12"}, **saturating)
    with pytest.raises(UnsupportedModelError, match="scale a block can't be summed in int12"):
        Executor(narrow, profile_named("onnx"), kernels("reference"))
