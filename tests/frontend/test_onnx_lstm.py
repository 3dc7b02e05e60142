"""LSTM of ONNX in float32, and branches whose condition is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_close

STEPS, BATCH, DEPTH, HIDDEN = 7, 2, 5, 6
LAST_BITS = 3e-6
"""Relative to values of size 1: the rounding of a dozen sums, carried over seven steps."""


def lstm_model(
    direction: str = "forward", states: bool = True, outputs: tuple[str, ...] = ("y", "h", "c"),
    **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """One LSTM node with seeded weights."""
    rng = np.random.default_rng(4)
    ways = 2 if direction == "bidirectional" else 1
    shapes = {
        "w": (ways, 4 * HIDDEN, DEPTH),
        "r": (ways, 4 * HIDDEN, HIDDEN),
        "b": (ways, 8 * HIDDEN),
    }
    constants = [
        numpy_helper.from_array(rng.normal(0, 0.4, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (STEPS, BATCH, DEPTH))]
    state = (ways, BATCH, HIDDEN)
    names = ["x", "w", "r", "b", ""]
    if states:
        ends += [helper.make_tensor_value_info(n, TensorProto.FLOAT, state) for n in ("h0", "c0")]
        names += ["h0", "c0"]
    outs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs if n]
    node = helper.make_node(
        "LSTM", names, list(outputs), "recurrent", hidden_size=HIDDEN, direction=direction,
        **attributes,
    )  # fmt: skip
    graph = helper.make_graph([node], "g", ends, outs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("states", [True, False])
def test_an_lstm_equals_onnx_runtime(tmp_path: Path, direction: str, states: bool) -> None:
    assert_close(lstm_model(direction, states), tmp_path / "one.onnx", LAST_BITS)


@pytest.mark.parametrize("outputs", [("y",), ("", "h"), ("", "", "c")])
def test_outputs_may_be_left_out(tmp_path: Path, outputs: tuple[str, ...]) -> None:
    assert_close(lstm_model(outputs=outputs), tmp_path / "one.onnx", LAST_BITS)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [({"activations": ["Relu", "Tanh", "Tanh"]}, "activations other"), ({"clip": 3.0}, "clip"),
     ({"input_forget": 1}, "input_forget")],
)  # fmt: skip
def test_variants_are_refused_by_name(
    tmp_path: Path, attributes: dict[str, object], message: str
) -> None:
    onnx.save(lstm_model(**attributes), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match=f"recurrent.*{message}"):
        read_onnx(tmp_path / "one.onnx")


def test_an_lstm_is_counted_on_the_host(tmp_path: Path) -> None:
    """Every product of every step, and all three outputs."""
    onnx.save(lstm_model("bidirectional"), tmp_path / "one.onnx")
    report = api.simulate(tmp_path / "one.onnx", "edge-npu-1")
    assert report.model.macs == 2 * STEPS * BATCH * 4 * HIDDEN * (DEPTH + HIDDEN)
    layer = report.layers[-1]
    assert layer.on == "host" and layer.cycles > 0


@pytest.mark.parametrize("taken", [True, False])
def test_a_branch_with_a_known_condition_is_read(tmp_path: Path, taken: bool) -> None:
    branches = {}
    for name, op in (("then_branch", "Relu"), ("else_branch", "Neg")):
        out = helper.make_tensor_value_info(f"{op}_out", TensorProto.FLOAT, None)
        node = helper.make_node(op, ["x"], [out.name])
        branches[name] = helper.make_graph([node], name, [], [out])
    node = helper.make_node("If", ["condition"], ["y"], "choice", **branches)
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (3, 4))]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    condition = numpy_helper.from_array(np.array(taken), "condition")
    graph = helper.make_graph([node], "g", ends, outs, [condition])
    opsets = [helper.make_opsetid("", 16)]
    assert_close(
        helper.make_model(graph, opset_imports=opsets, ir_version=8),
        tmp_path / "one.onnx",
        LAST_BITS,
    )


def test_a_branch_that_only_the_data_decides_is_refused(tmp_path: Path) -> None:
    out = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "b", [], [out])
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["total"], keepdims=0),
        helper.make_node("Greater", ["total", "zero"], ["condition"]),
        helper.make_node("If", ["condition"], ["y"], "choice", then_branch=branch,
                         else_branch=branch),
    ]  # fmt: skip
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (3, 4))]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    zero = numpy_helper.from_array(np.float32(0), "zero")
    graph = helper.make_graph(nodes, "g", ends, outs, [zero])
    opsets = [helper.make_opsetid("", 16)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedModelError, match=r"'choice'.*control flow"):
        read_onnx(tmp_path / "m.onnx")
