"""Linear resizes of stored integers, behind convolutions and elsewhere, against ONNX Runtime.

Its arithmetic follows from the layout that it chose: channels last behind a QLinearConv.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from npusim.frontend.onnx import read_onnx
from npusim.validate.oracles import open_oracle
from tests.support.evaluate import evaluate
from tests.support.onnx_models import MICROSOFT, session, wrong_elements

SHAPE, SIZE = (1, 4, 8, 9), (13, 17)
CHAINS = {
    "resize": False,
    "resize conv": False,
    "conv resize": True,
    "conv resize conv": True,
    "conv pool resize": True,
    "conv sigmoid resize": False,
    "conv add resize": True,
    "conv concat resize": True,
    "conv shift resize": False,
    "conv resize resize": True,
    "conv concat pool resize conv": True,
}
"""Operators one after the other, and whether the (last) resize is reached from a convolution."""


class Chain:
    """A model of operators on stored integers, each reading the one before."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.random = np.random.default_rng(5)
        self.nodes: list[onnx.NodeProto] = []
        self.data: dict[str, np.ndarray] = {
            "s": np.array(0.02, np.float32), "ws": np.array(0.01, np.float32),
            "z": np.array(0, dtype), "wz": np.array(0, np.int8),
        }  # fmt: skip
        self.last = "x"

    def add(self, op: str) -> None:
        x, y, at = [self.last, "s", "z"], f"t{len(self.nodes)}", len(self.nodes)
        channels = 8 if any(node.op_type == "QLinearConcat" for node in self.nodes) else 4
        domain, attributes = "", {}
        if op == "conv":
            self.data[f"w{at}"] = self.random.integers(-60, 60, (4, channels, 3, 3)).astype(np.int8)
            op, given = "QLinearConv", [*x, f"w{at}", "ws", "wz", "s", "z"]
            attributes = {"pads": [1] * 4}
        elif op == "resize":
            size = [extent + 3 * at for extent in SIZE]
            self.data[f"size{at}"] = np.array([1, channels, *size])
            op, given = "Resize", [self.last, "", "", f"size{at}"]
            attributes = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
        elif op == "pool":
            op, given, attributes = "MaxPool", x[:1], {"kernel_shape": [3, 3], "pads": [1] * 4}
        elif op == "concat":
            op, given, domain, attributes = (
                "QLinearConcat",
                ["s", "z", *x, *x],
                MICROSOFT,
                {"axis": 1},
            )
        elif op == "sigmoid":
            op, given, domain = "QLinearSigmoid", [*x, "s", "z"], MICROSOFT
        else:
            self.data["row"] = self.random.integers(0, 100, (1, 4, 1, 1)).astype(self.dtype)
            second = ["row", "s", "z"] if op == "shift" else x
            op, given, domain = "QLinearAdd", [*x, *second, "s", "z"], MICROSOFT
        self.nodes.append(
            helper.make_node(op, given, [y], f"{op}{at}", domain=domain, **attributes)
        )
        self.last = y

    def model(self) -> onnx.ModelProto:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        ends = [helper.make_tensor_value_info("x", kind, SHAPE)]
        outs = [helper.make_tensor_value_info(self.last, kind, None)]
        constants = [numpy_helper.from_array(data, name) for name, data in self.data.items()]
        graph = helper.make_graph(self.nodes, "g", ends, outs, constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("chain", CHAINS)
def test_0_wrong_elements(tmp_path: Path, chain: str, dtype: str) -> None:
    built = Chain(dtype)
    for op in chain.split():
        built.add(op)
    onnx.save(built.model(), tmp_path / "chain.onnx")
    graph = read_onnx(tmp_path / "chain.onnx")
    resize = [node.op for node in graph.nodes if node.op.kind == "resize_bilinear"][-1]
    assert resize.behind_conv == CHAINS[chain]
    whole = session(tmp_path / "chain.onnx", int8=dtype == "int8")
    shown = open_oracle("onnxruntime", tmp_path / "chain.onnx", graph, "onnx")
    info = np.iinfo(dtype)
    for seed in range(3):
        random = np.random.default_rng(seed)
        x = random.integers(info.min, info.max + 1, SHAPE).astype(dtype)
        assert wrong_elements(graph, whole, {"x": x}) == {built.last: 0}
        ours = evaluate(graph, {"x": x})
        for name, theirs in shown.run({"x": x}).items():
            np.testing.assert_array_equal(ours[name], theirs)
