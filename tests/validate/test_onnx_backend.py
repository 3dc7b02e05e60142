"""The parts of the ONNX backend: parameters, signatures, reasons, the table; and how models run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.api import Model, schedule
from npusim.errors import DoesNotFitError, Problem, UnsupportedModelError, UsageError
from npusim.frontend.onnx import read_onnx_bytes
from npusim.validate.onnx_backend import NpusimBackend
from npusim.validate.onnx_backend.parameters import data_inputs, parameters, with_constants
from npusim.validate.onnx_backend.signature import Signature, signature_of
from npusim.validate.onnx_backend.suite import PASSED, REFUSED, Outcome, reason_of
from npusim.validate.onnx_backend.table import in_text, support_of, to_dict

FLOAT, INT64, BFLOAT16 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BFLOAT16


def model(
    nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, list[int]]], opset: int = 21,
    outputs: dict[str, int] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """A model whose only constants are those of its nodes."""
    given = [helper.make_tensor_value_info(name, *each) for name, each in inputs.items()]
    gives = outputs or {"y": FLOAT}
    results = [helper.make_tensor_value_info(name, kind, None) for name, kind in gives.items()]
    graph = helper.make_graph(nodes, "one", given, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def test_what_parameters_are_computed_from_are_parameters() -> None:
    nodes = [
        helper.make_node("Concat", ["rows", "columns"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    inputs = {"x": (FLOAT, [6]), "rows": (INT64, [1]), "columns": (INT64, [1])}
    assert parameters(model(nodes, inputs)) == {"rows", "columns"}


def test_what_a_scale_is_computed_from_are_data() -> None:
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["scale"], keepdims=0),
        helper.make_node("QuantizeLinear", ["x", "scale"], ["y"]),
    ]
    assert parameters(model(nodes, {"x": (FLOAT, [6])})) == set()


def test_weights_that_are_only_moved_are_parameters() -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["moved"], perm=[3, 2, 0, 1]),
        helper.make_node("Conv", ["x", "moved"], ["y"]),
    ]
    inputs = {"x": (FLOAT, [1, 2, 5, 5]), "w": (FLOAT, [3, 3, 2, 4])}
    assert parameters(model(nodes, inputs)) == {"w"}


def test_parameters_become_initializers_of_a_copy() -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    given = model([node], {"x": (FLOAT, [6]), "shape": (INT64, [2])})
    fixed = with_constants(given, {"shape": np.array([2, 3])})
    assert data_inputs(fixed) == ["x"]
    assert data_inputs(given) == ["x", "shape"]


def test_a_signature_has_choices_with_their_value_and_lists_without() -> None:
    node = helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[2, 2], ceil_mode=1, auto_pad="NOTSET"
    )
    found = signature_of(model([node], {"x": (FLOAT, [1, 1, 4, 4])}))
    assert found.operator == "MaxPool"
    assert found.attributes == ("auto_pad=NOTSET", "ceil_mode=1", "kernel_shape", "2-D")
    assert found.types == "float"


def test_a_signature_has_optional_inputs_and_says_if_a_tensor_is_empty() -> None:
    node = helper.make_node("Slice", ["x", "s", "e", "", "p"], ["y"])
    inputs = {"x": (FLOAT, [0, 3]), **{name: (INT64, [1]) for name in ("s", "e", "p")}}
    assert signature_of(model([node], inputs)).attributes == ("+steps", "no elements")


def test_a_signature_leaves_the_types_of_parameters_out() -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=INT64)
    assert signature_of(model([node], {"x": (FLOAT, [2])}, outputs={"y": INT64})).types == (
        "float -> int64"
    )
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    inputs = {"x": (FLOAT, [6]), "shape": (INT64, [2])}
    assert signature_of(model([node], inputs)).types == "float"


@pytest.mark.parametrize(
    ("what", "reason"),
    [("operator Det is not supported", "operator Det is not supported"),
     ("'x' has shape [1, 2] of 12 axes", "'...' has shape [...] of N axes"),
     ("3-D windows are not supported, 1-D and 2-D are",) * 2,
     ("y: max_pool of 2x3 pixels", "max_pool of NxN pixels")],
)  # fmt: skip
def test_a_reason_is_that_of_all_models_alike(what: str, reason: str) -> None:
    assert reason_of(UnsupportedModelError(Problem("node 'n'", what))) == reason


def _outcome(name: str, attributes: tuple[str, ...], status: str, reason: str = "") -> Outcome:
    return Outcome(name, "Node", Signature("Pad", ("Pad",), attributes, "float"), status, reason)


def test_a_refused_test_is_inside_where_its_attributes_are() -> None:
    outcomes = [
        _outcome("a", ("mode=constant", "pads"), PASSED),
        _outcome("b", ("pads",), REFUSED, "negative"),
        _outcome("c", ("mode=wrap",), REFUSED, "wrap"),
        Outcome("d", "Simple", Signature("", ("Add", "Pad"), (), "float"), PASSED),
    ]
    support = support_of(outcomes)
    (row,) = support.rows
    assert (row.passed, row.exceptions) == (1, {"negative": 1})
    assert (support.outside, support.composed) == ({"wrap": 1}, 1)
    text = in_text(support)
    assert "Pad  float [mode=constant, pads]: 1\n    but not 1: negative" in text
    assert to_dict(support, outcomes)["counts"] == {
        "passed": 2, "refused": 2, "differs": 0, "wrong": 0, "failed": 0, "device": 0,
    }  # fmt: skip


def test_arrays_that_numpy_has_no_type_for_come_and_go_as_those_of_onnx() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    node = helper.make_node("Abs", ["x"], ["y"])
    given = model([node], {"x": (BFLOAT16, [3])}, outputs={"y": BFLOAT16})
    x = np.array([-1.5, 2, -0.0], ml_dtypes.bfloat16)
    (found,) = NpusimBackend.run_model(given, [x])
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, np.abs(x))


def test_a_model_that_does_not_fit_the_hardware_runs_on_the_roomiest(tmp_path: Path) -> None:
    description = (
        "npusim: hardware/1\nname: tiny\nextends: edge-npu-1\n"
        "memory: {sram: {size: 16 B, banks: 1}}\n"
    )
    (tmp_path / "tiny.yaml").write_text(description, encoding="utf-8")
    inputs = {"x": (TensorProto.UINT8, [1, 64, 9]), "w": (TensorProto.UINT8, [8, 64, 9])}
    node = helper.make_node("ConvInteger", ["x", "w"], ["y"])
    given = model([node], inputs, outputs={"y": TensorProto.INT32})
    rep = NpusimBackend.prepare(given, hardware=str(tmp_path / "tiny.yaml"))
    x, w = np.ones((1, 64, 9), np.uint8), np.ones((8, 64, 9), np.uint8)
    with pytest.raises(DoesNotFitError):
        schedule(Model(read_onnx_bytes(with_constants(given, {"w": w}).SerializeToString(),
                                       tmp_path / "one.onnx")), tmp_path / "tiny.yaml")  # fmt: skip
    np.testing.assert_array_equal(rep.run([x, w])[0], np.full((1, 8, 1), 576))


def test_too_many_arrays_are_told() -> None:
    rep = NpusimBackend.prepare(model([helper.make_node("Abs", ["x"], ["y"])], {"x": (FLOAT, [1])}))
    with pytest.raises(UsageError, match="2 arrays for 1 inputs"):
        rep.run([np.zeros(1, np.float32)] * 2)
