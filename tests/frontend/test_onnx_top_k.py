"""TopK against ONNX Runtime: values and places, behind stored integers too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from npusim import api
from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import plain
from tests.support.onnx_models import session, wrong_elements

SHAPE = (2, 6, 5)


def model(count: int, stored: bool = False, **attributes: object) -> onnx.ModelProto:
    """TopK of float32, or of uint8 that is dequantized before and quantized behind it."""
    constants = {"k": np.array([count]), "s": np.float32(0.1), "z": np.uint8(3)}
    x, y = ("real", "values") if stored else ("x", "y")
    nodes = [helper.make_node("TopK", [x, "k"], [y, "places"], "operator", **attributes)]
    if stored:
        nodes.insert(0, helper.make_node("DequantizeLinear", ["x", "s", "z"], ["real"]))
        nodes.append(helper.make_node("QuantizeLinear", ["values", "s", "z"], ["y"]))
    kind = TensorProto.UINT8 if stored else TensorProto.FLOAT
    ends = [helper.make_tensor_value_info("x", kind, SHAPE)]
    outs = [helper.make_tensor_value_info(name, each, None)
            for name, each in (("y", kind), ("places", TensorProto.INT64))]  # fmt: skip
    given = [numpy_helper.from_array(np.asarray(data), name) for name, data in constants.items()]
    graph = helper.make_graph(nodes, "g", ends, outs, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "attributes", [{}, {"axis": 1}, {"axis": 0, "largest": 0}, {"axis": -2, "largest": 0}]
)
def test_0_wrong_elements(tmp_path: Path, stored: bool, attributes: dict[str, int]) -> None:
    onnx.save(model(2, stored, **attributes), tmp_path / "one.onnx")
    graph, oracle = read_onnx(tmp_path / "one.onnx"), session(tmp_path / "one.onnx")
    for seed in range(4):
        random = np.random.default_rng(seed)
        x = random.integers(0, 9, SHAPE).astype(np.uint8 if stored else np.float32)
        assert not any(wrong_elements(graph, oracle, {"x": x}).values())


def test_it_is_counted_on_the_host(tmp_path: Path) -> None:
    onnx.save(model(3, stored=True), tmp_path / "one.onnx")
    report = api.simulate(tmp_path / "one.onnx", "edge-npu-1")
    assert [layer.on for layer in report.layers if layer.op == "top_k"] == ["host"]


def test_what_is_damaged_or_without_order_is_named(tmp_path: Path) -> None:
    onnx.save(model(7), tmp_path / "many.onnx")
    with pytest.raises(ModelFileError, match=r"operator.*not 7"):
        read_onnx(tmp_path / "many.onnx")
    onnx.save(model(2, sorted=0), tmp_path / "heap.onnx")
    with pytest.raises(UnsupportedModelError, match=r"operator.*without an order"):
        read_onnx(tmp_path / "heap.onnx")


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_to_the_end_of_their_range(tmp_path: Path, dtype: str, largest: int) -> None:
    random, ends = np.random.default_rng(2), np.iinfo(dtype)
    x = random.choice([ends.min, ends.max, -1, 0, 3], SHAPE).astype(dtype)
    given = plain("TopK", {"x": (dtype, SHAPE)}, dtype, {"k": np.array([4])}, largest=largest)
    given.graph.node[0].output.append("places")
    given.graph.output.append(helper.make_tensor_value_info("places", TensorProto.INT64, None))
    onnx.save(given, tmp_path / "one.onnx")
    graph, oracle = read_onnx(tmp_path / "one.onnx"), session(tmp_path / "one.onnx")
    assert not any(wrong_elements(graph, oracle, {"x": x}).values())


@pytest.mark.parametrize("flags", [{}, {"exclusive": 1}, {"reverse": 1}], ids=str)
def test_running_sums_of_integers_wrap(tmp_path: Path, flags: dict[str, int]) -> None:
    x = np.full(SHAPE, 2**30, np.int32)
    given = plain("CumSum", {"x": ("int32", SHAPE)}, "int32", {"axis": np.array(1)}, **flags)
    onnx.save(given, tmp_path / "one.onnx")
    graph, oracle = read_onnx(tmp_path / "one.onnx"), session(tmp_path / "one.onnx")
    assert not any(wrong_elements(graph, oracle, {"x": x}).values())
