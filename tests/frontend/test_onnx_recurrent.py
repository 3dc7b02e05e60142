"""GRU and RNN of ONNX in float32 against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_close

STEPS, BATCH, DEPTH, HIDDEN = 7, 2, 5, 6
GATES = {"GRU": 3, "RNN": 1}
LAST_BITS = 3e-6
"""Relative to values of size 1: the rounding of a dozen sums, carried over seven steps."""


def recurrent_model(
    op: str, direction: str = "forward", bias: bool = True, state: bool = True,
    depth: int = DEPTH, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """One node with seeded weights."""
    rng = np.random.default_rng(4)
    ways, rows = (2 if direction == "bidirectional" else 1), GATES[op] * HIDDEN
    shapes = {"w": (ways, rows, depth), "r": (ways, rows, HIDDEN), "b": (ways, 2 * rows)}
    constants = [
        numpy_helper.from_array(rng.normal(0, 0.4, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (STEPS, BATCH, DEPTH))]
    names = ["x", "w", "r", "b" if bias else ""]
    if state:
        shape = (ways, BATCH, HIDDEN)
        ends.append(helper.make_tensor_value_info("h0", TensorProto.FLOAT, shape))
        names += ["", "h0"]
    outs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("y", "h")]
    node = helper.make_node(
        op, names, ["y", "h"], "recurrent", hidden_size=HIDDEN, direction=direction, **attributes
    )
    graph = helper.make_graph([node], "g", ends, outs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("reset_after", [0, 1])
@pytest.mark.parametrize("given", [True, False])
def test_a_gru_equals_onnx_runtime(
    tmp_path: Path, direction: str, reset_after: int, given: bool
) -> None:
    model = recurrent_model("GRU", direction, given, given, linear_before_reset=reset_after)
    assert_close(model, tmp_path / "one.onnx", LAST_BITS)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("activation", ["Tanh", "Relu"])
def test_an_rnn_equals_onnx_runtime(tmp_path: Path, direction: str, activation: str) -> None:
    ways = 2 if direction == "bidirectional" else 1
    assert_close(
        recurrent_model("RNN", direction, activations=[activation] * ways),
        tmp_path / "one.onnx",
        LAST_BITS,
    )


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [("GRU", {"activations": ["Relu", "Tanh"]}, "activations other than Sigmoid, Tanh of GRU"),
     ("RNN", {"activations": ["Elu"]}, "activations other than Tanh or Relu of RNN"),
     ("GRU", {"clip": 3.0}, "clip of GRU")],
)  # fmt: skip
def test_variants_are_refused_by_name(
    tmp_path: Path, op: str, attributes: dict[str, object], message: str
) -> None:
    onnx.save(recurrent_model(op, **attributes), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match=f"recurrent.*{message}"):
        read_onnx(tmp_path / "one.onnx")


@pytest.mark.parametrize("attributes", [{"direction": "up"}, {"depth": 4}])
def test_a_damaged_node_is_named(tmp_path: Path, attributes: dict[str, object]) -> None:
    onnx.save(recurrent_model("GRU", **attributes), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="recurrent"):
        read_onnx(tmp_path / "one.onnx")
