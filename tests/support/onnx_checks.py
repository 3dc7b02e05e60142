"""Models of one operator against ONNX Runtime: to the bit, or where sums differ in order close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from npusim.frontend.onnx import read_onnx
from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from tests.support.evaluate import evaluate
from tests.support.onnx_models import session, wrong_elements


def drawn(tensor: Tensor, random: np.random.Generator) -> np.ndarray:
    """Values for an input: the whole range of 8 bits, small other integers, normal reals."""
    dtype = np.dtype(tensor.format.dtype)
    if dtype == np.bool_:
        return random.random(tensor.shape) < 0.5
    if dtype.kind == "f":
        return random.normal(0, 2, tensor.shape).astype(dtype)
    low, high = (-50, 50) if dtype.itemsize > 1 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return random.integers(low, high + 1, tensor.shape).astype(dtype)


def assert_equal(
    model: onnx.ModelProto, folder: Path, dtype: str = "uint8", rounds: int = 2,
    paths: Sequence[str] = ("reference",),
) -> Graph:  # fmt: skip
    """0 wrong elements over `rounds` inputs on each path of kernels; the graph as it was read."""
    file = folder / "one.onnx"
    onnx.save(model, file)
    graph, oracle = read_onnx(file), session(file, int8=dtype == "int8")
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        inputs = {name: drawn(graph.tensors[name], random) for name in graph.inputs}
        for path in paths:
            assert not any(wrong_elements(graph, oracle, inputs, path).values())
    return graph


def assert_close(model: onnx.ModelProto, path: Path, atol: float, rtol: float = 0.0) -> None:
    """Every output of a float32 model, saved at `path`, within rounding; `atol` in its unit."""
    onnx.save(model, path)
    graph, oracle = read_onnx(path), session(path)
    rng = np.random.default_rng(8)
    inputs = {n: rng.normal(0, 1, graph.tensors[n].shape).astype(np.float32) for n in graph.inputs}
    values = evaluate(graph, inputs)
    for output, expected in zip(oracle.get_outputs(), oracle.run(None, inputs), strict=True):
        assert values[output.name].shape == expected.shape
        np.testing.assert_allclose(values[output.name], expected, rtol=rtol, atol=atol)


def plain(
    op: str, inputs: Mapping[str, tuple[str, tuple[int, ...]]], out: str,
    constants: Mapping[str, np.ndarray] | None = None, opset: int = 17, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """One operator on tensors without scales; `inputs` says dtype and shape, `out` the dtype."""

    def info(name: str, dtype: str, shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, shape)

    given = constants or {}
    node = helper.make_node(op, [*inputs, *given], ["y"], "operator", **attributes)
    graph = helper.make_graph(
        [node], "one", [info(name, *each) for name, each in inputs.items()],
        [info("y", out, None)],
        [numpy_helper.from_array(data, name) for name, data in given.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
