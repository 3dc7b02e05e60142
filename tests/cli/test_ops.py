"""`npusim ops`: every operator has a place, and what has none is named with exit code 3."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.cli.ops import PLACES
from tests.support.commands import document, done, npusim
from tests.support.descriptions import SOUND, changed, write


def test_every_operator_has_a_place() -> None:
    nodes = {node["node"]: node for node in document("ops", "digits")["nodes"]}
    assert nodes["stem"] == {"node": "stem", "op": "conv2d", "on": "npu", "remark": ""}
    assert nodes["logits_DequantizeLinear"]["on"] == "host"
    assert "fp32" in nodes["logits_DequantizeLinear"]["remark"]
    printed = done("ops", "digits").splitlines()
    assert printed[-1] == "14 operators: 12 npu, 2 host"
    assert any(line.split() == ["npu", "conv2d", "stem"] for line in printed)


def test_an_operation_that_the_vector_unit_lacks_goes_to_the_host(tmp_path: Path) -> None:
    text = changed("overheads:", "host: {rate: 1 GFLOP/s}\noverheads:", SOUND)
    nodes = document("ops", "digits", "--hw", write(tmp_path, text))["nodes"]
    pooled = [node for node in nodes if node["op"] == "mean"]
    assert [(x["on"], x["remark"]) for x in pooled] == [("host", "vector_unit.rates has no mean")]
    assert all(node["on"] == "npu" for node in nodes if node["op"] in ("conv2d", "add"))


def test_without_a_host_what_the_npu_lacks_is_unsupported() -> None:
    result = npusim("ops", "digits", "--set", "host=null")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "14 operators: 12 npu, 2 unsupported"
    assert "needs a host" in result.stdout


def test_every_unsupported_node_of_a_file_is_named(tmp_path: Path) -> None:
    shape = [1, 4]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "z")]
    nodes = [
        helper.make_node("Det", ["x"], ["y"], name="first"),
        helper.make_node("Unique", ["y"], ["z"], name="second"),
    ]
    graph = helper.make_graph(nodes, "unsupported", values[:1], values[1:])
    path = tmp_path / "unsupported.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    result = npusim("ops", path)
    assert result.exit_code == 3
    for word in ("first", "Det", "second", "Unique", "2 operators: 2 unsupported"):
        assert word in result.stdout
    assert npusim("run", path).exit_code == 3


def test_what_is_understood_beside_it_is_listed_too(tmp_path: Path) -> None:
    """Every node appears: one before the unsupported one, and one that needs its result."""
    shape = [1, 4]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "z")]
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="before"),
        helper.make_node("Det", ["a"], ["b"], name="unknown"),
        helper.make_node("Relu", ["b"], ["z"], name="behind"),
    ]
    graph = helper.make_graph(nodes, "mixed", values[:1], values[1:])
    path = tmp_path / "mixed.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    result = npusim("ops", path, "--json", "-")
    assert result.exit_code == 3
    found = {(row["node"], row["on"]) for row in json.loads(result.stdout)["nodes"]}
    assert ("before", "supported") in found and ("behind", "unchecked") in found
    assert [row["remark"] for row in json.loads(result.stdout)["nodes"] if row["on"] == PLACES[-1]]


def test_json_goes_to_a_file_beside_the_table(tmp_path: Path) -> None:
    path = tmp_path / "ops.json"
    assert "14 operators" in done("ops", "digits", "--json", path)
    assert len(json.loads(path.read_text())["nodes"]) == 14


def test_a_float_model_runs_on_the_host(tmp_path: Path) -> None:
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, extent])
        for name, extent in (("x", 4), ("y", 3))
    ]
    weights = onnx.numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    graph = helper.make_graph([node], "float", values[:1], values[1:], [weights])
    path = tmp_path / "float.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    (row,) = document("ops", path)["nodes"]
    assert row["on"] == "host"
    assert row["remark"] == "the array of edge-npu-1 has no fp32*fp32"


def test_without_a_model_it_lists_what_is_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    found = document("ops")
    assert found["schema"] == "npusim.operators/1"
    rows = {row["operator"]: row for row in found["operators"]}
    assert rows["conv2d"]["tflite"] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
    assert "int8" in rows["conv2d"]["data_types"]["onnx"]
    for columns in (80, 160):
        monkeypatch.setenv("COLUMNS", str(columns))
        printed = done("ops")
        assert max(map(len, printed.splitlines())) <= columns
        assert all(kind in printed for kind in rows)
