"""float32 weights whose activations alone are quantized: ONNX Runtime quantizes some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements

# What stands between the convolution and the quantization of its result: operator, constant
# inputs, attributes; and whether ONNX Runtime quantizes the weights before it.
BETWEEN: dict[str, tuple[str, list[np.ndarray], dict[str, object], bool]] = {
    "reshape": ("Reshape", [np.array([1, 8, -1])], {}, True),
    "transpose": ("Transpose", [], {"perm": [0, 2, 3, 1]}, True),
    "unsqueeze": ("Unsqueeze", [np.array([1])], {}, True),
    "slice": ("Slice", [np.array([1]), np.array([5]), np.array([1])], {}, True),
    "max pool": ("MaxPool", [], {"kernel_shape": [2, 2]}, True),
    "relu": ("Relu", [], {}, True),
    "depth to space": ("DepthToSpace", [], {"blocksize": 2}, False),
    "leaky relu": ("LeakyRelu", [], {"alpha": 0.1}, False),
}


def model(case: str) -> onnx.ModelProto:
    """DequantizeLinear, Conv with float32 weights, an operator, QuantizeLinear."""
    op, inputs, attributes, _ = BETWEEN[case]
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(0, 0.3, (8, 4, 3, 3)).astype(np.float32),
        "b": rng.normal(0, 0.3, 8).astype(np.float32),
        "x_scale": np.float32(0.03), "x_zero": np.uint8(120),
        "y_scale": np.float32(0.05), "y_zero": np.uint8(128),
        **{f"c{at}": data for at, data in enumerate(inputs)},
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "x_scale", "x_zero"], ["real"]),
        helper.make_node("Conv", ["real", "w", "b"], ["conv"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node(
            op, ["conv", *(f"c{at}" for at in range(len(inputs)))], ["after"], **attributes
        ),
        helper.make_node("QuantizeLinear", ["after", "y_scale", "y_zero"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.UINT8, (1, 4, 16, 16))]
    outs = [helper.make_tensor_value_info("y", TensorProto.UINT8, None)]
    given = [numpy_helper.from_array(np.asarray(data), name) for name, data in constants.items()]
    graph = helper.make_graph(nodes, "g", ends, outs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def check(proto: onnx.ModelProto, path: Path, quantized: bool) -> None:
    """0 wrong elements; the weights are stored integers if they are `quantized`."""
    onnx.save(proto, path)
    graph = read_onnx(path)
    stored = [tensor.name for tensor in graph.tensors.values() if "stored_weights" in tensor.name]
    assert bool(stored) == quantized
    oracle = session(path)
    for seed in range(3):
        x = np.random.default_rng(seed).integers(0, 256, (1, 4, 16, 16)).astype(np.uint8)
        assert wrong_elements(graph, oracle, {"x": x}) == {"y": 0}


BEFORE: dict[str, tuple[str, list[np.ndarray], dict[str, object], bool]] = {
    "transpose": ("Transpose", [], {"perm": [0, 1, 3, 2]}, True),
    "reshape": ("Reshape", [np.array([1, 4, 32, 8])], {}, True),
    "max pool": ("MaxPool", [], {"kernel_shape": [2, 2]}, True),
    "depth to space": ("SpaceToDepth", [], {"blocksize": 1}, False),
}
"""The same between the dequantization of its input and the convolution."""


def model_before(case: str) -> onnx.ModelProto:
    """DequantizeLinear, an operator, Conv with float32 weights, QuantizeLinear."""
    op, inputs, attributes, _ = BEFORE[case]
    proto = model("relu")
    nodes = list(proto.graph.node)
    names = [numpy_helper.from_array(data, f"c{at}") for at, data in enumerate(inputs)]
    moved = helper.make_node(op, ["real", *(each.name for each in names)], ["moved"], **attributes)
    nodes[1].input[0] = "moved"
    del proto.graph.node[:]
    proto.graph.node.extend([nodes[0], moved, *nodes[1:]])
    proto.graph.initializer.extend(names)
    return proto


@pytest.mark.parametrize("case", BEFORE)
def test_so_are_those_whose_input_is_moved(tmp_path: Path, case: str) -> None:
    check(model_before(case), tmp_path / "one.onnx", BEFORE[case][3])


@pytest.mark.parametrize("case", BETWEEN)
def test_weights_are_quantized_where_onnx_runtime_quantizes_them(tmp_path: Path, case: str) -> None:
    check(model(case), tmp_path / "one.onnx", BETWEEN[case][3])
