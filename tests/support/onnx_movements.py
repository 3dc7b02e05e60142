"""ONNX models of one operator on a tensor as it is, and their comparison with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Model

F = np.float32
NO = np.empty(0, F)


def ints(*values: int) -> np.ndarray:
    """A vector of int64."""
    return np.array(values, np.int64)


def check(model: onnx.ModelProto, folder: Path, dtype: str, rounds: int = 2) -> None:
    """Every element equals ONNX Runtime's, over inputs that span the range."""
    path = folder / "one.onnx"
    onnx.save(model, path)
    graph, oracle = read_onnx(path), session(path, int8=dtype == "int8")
    random = np.random.default_rng(4)
    for _ in range(rounds):
        inputs = {}
        for name in graph.inputs:
            shape = graph.tensors[name].shape
            low = 0 if dtype == "uint8" else -128
            inputs[name] = random.integers(low, low + 256, shape).astype(dtype)
        assert not any(wrong_elements(graph, oracle, inputs).values())


def plain(
    op: str, shape: tuple[int, ...], extra: dict[str, np.ndarray], dtype: str, opset: int = 17,
    outputs: int = 1, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """The operator alone on a tensor of `dtype`."""
    model = Model(dtype)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model.inputs.append(helper.make_tensor_value_info("x", kind, shape))
    given = ["x"]
    for name, data in extra.items():
        given.append("" if data is None else model.constant(name, data, data.dtype))
    names = [f"y{at}" for at in range(outputs)]
    model.nodes.append(helper.make_node(op, given, names, "operator", **attributes))
    outs = [helper.make_tensor_value_info(name, kind, None) for name in names]
    graph = helper.make_graph(model.nodes, "one", model.inputs, outs, model.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def resized(
    dtype: str, shape: tuple[int, ...], scales: list[float] | None, sizes: list[int] | None,
    opset: int = 19, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """Resize as opset 11 and later have it."""
    absent = None if opset >= 13 else NO
    extra = {"roi": absent, "scales": absent if scales is None else np.array(scales, F)}
    if sizes is not None:
        extra["sizes"] = np.array(sizes, np.int64)
    return plain("Resize", shape, extra, dtype, opset, **attributes)
