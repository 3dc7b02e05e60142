"""A layer that is used twice: ONNX Runtime is given a copy of its weights; nothing changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim import api
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.validate.agreement import compare_to
from npusim.validate.oracles import open_oracle
from npusim.validate.unshared import give_each_reader_its_weights

SIZE = 8


def shared(form: str) -> onnx.ModelProto:
    """Two products with one matrix of int8 weights: `qdq` (one DequantizeLinear) or `qlinear`."""
    rng = np.random.default_rng(1)
    data = {
        "s": np.float32(0.05), "z": np.uint8(128), "ws": np.float32(0.02), "wz": np.int8(0),
        "w": rng.integers(-127, 128, (SIZE, SIZE)).astype(np.int8),
    }  # fmt: skip
    nodes = []
    if form == "qdq":
        nodes.append(helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wr"], "weights"))
    for at, (x, y) in enumerate((("x", "h"), ("h", "y"))):
        if form == "qdq":
            nodes += [
                helper.make_node("DequantizeLinear", [x, "s", "z"], [f"{x}_real"]),
                helper.make_node("MatMul", [f"{x}_real", "wr"], [f"{y}_real_out"], f"product{at}"),
                helper.make_node("QuantizeLinear", [f"{y}_real_out", "s", "z"], [y]),
            ]
        else:
            names = [x, "s", "z", "w", "ws", "wz", "s", "z"]
            nodes.append(helper.make_node("QLinearMatMul", names, [y], f"product{at}"))
    ends = [helper.make_tensor_value_info("x", TensorProto.UINT8, (4, SIZE))]
    outs = [helper.make_tensor_value_info("y", TensorProto.UINT8, (4, SIZE))]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in data.items()]
    graph = helper.make_graph(nodes, "g", ends, outs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("form", ["qdq", "qlinear"])
def test_a_model_with_a_layer_used_twice_is_compared(tmp_path: Path, form: str) -> None:
    path = tmp_path / "shared.onnx"
    onnx.save(shared(form), path)
    program = api.schedule(path, "edge-npu-1")
    oracle = open_oracle("onnxruntime", path, program.graph, "onnx")
    samples = [api.random_inputs(program.graph, seed) for seed in range(3)]
    found = compare_to(oracle, program, samples, profile_named("onnx"), kernels())
    assert len(found.tensors) == 2 and found.first is None


@pytest.mark.parametrize("form", ["qdq", "qlinear"])
def test_the_copies_compute_the_same(form: str) -> None:
    model = shared(form)
    x = np.random.default_rng(3).integers(0, 256, (4, SIZE)).astype(np.uint8)
    before = _run(model, x)
    give_each_reader_its_weights(model.graph)
    onnx.checker.check_model(model)
    readers = [name for node in model.graph.node for name in node.input]
    weights = [each.name for each in model.graph.initializer if list(each.dims) == [SIZE, SIZE]]
    assert len(weights) == 2 and all(readers.count(name) == 1 for name in weights)
    np.testing.assert_array_equal(_run(model, x), before)


def _run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"x": x})[0]
    return found
