"""Operators along axes against ONNX Runtime: 0 wrong elements, whatever the order of its sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_checks import assert_equal, plain
from tests.support.onnx_models import (
    NetworkBuilder,
    expose,
    quantize,
    random_inputs,
    session,
    wrong_elements,
)
from tests.support.onnx_operators import Model, Operand, qdq

DTYPES = ("uint8", "int8")
REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare",
)  # fmt: skip
CASES = [
    ((7, 50), (1,)), ((50, 7), (0,)), ((3, 50, 7), (1,)), ((3, 8, 3, 1), (1, 3)), ((40,), (0,)),
    ((5, 6, 7, 8), (0, 2)), ((5, 13, 7), (0, 2)), ((2, 13, 1, 1), (1, 2)), ((3, 1, 5), (1,)),
    ((3, 4, 2, 6, 5), (0, 2, 4)), ((2, 8, 9, 11), (-1, -2)), ((4, 2, 1, 5), (0, 2, 3)),
    ((5, 1), (0,)),
]  # fmt: skip
"""Kept and reduced axes in every order that ONNX Runtime has a way of its own for, and some not."""


def _axes(op: str, opset: int, axes: tuple[int, ...]) -> tuple[dict[str, np.ndarray], dict]:
    """As an input or as an attribute, as the operator's version wants it."""
    if opset >= 18 or op == "ReduceSum":
        return {"axes": np.array(axes, np.int64)}, {}
    return {}, {"axes": list(axes)}


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_between_dequantization_and_quantization(tmp_path: Path, op: str, dtype: str) -> None:
    info = np.iinfo(dtype)
    for seed, (shape, axes) in enumerate(CASES):
        random = np.random.default_rng(seed)
        count = int(np.prod([shape[axis] for axis in axes]))
        scale = 0.012 if op == "ReduceProd" else float(np.exp(random.uniform(-5, -1)))
        factor = {"ReduceSum": 2 * count**0.5, "ReduceL1": count, "ReduceL2": count**0.5,
                  "ReduceSumSquare": 50 * count * scale}.get(op, 1.0)  # fmt: skip
        zeros = [int(zero) for zero in random.choice([info.min, info.max, info.max // 2], 2)]
        y = Operand((), scale * factor * float(random.uniform(0.5, 2)), zeros[1])
        opset = (17, 18)[seed % 2]
        extra, attributes = _axes(op, opset, axes)
        model = qdq(
            op, {"x": Operand(shape, scale, zeros[0])}, y, dtype=dtype, extra=extra, opset=opset,
            keepdims=seed // 2 % 2, **attributes,
        )  # fmt: skip
        graph = assert_equal(model, tmp_path, dtype, 1, ("reference", "c"))
        assert len(graph.nodes) == 1


@pytest.mark.parametrize("op", REDUCTIONS)
def test_on_reals_to_the_last_bit(tmp_path: Path, op: str) -> None:
    for shape, axes in CASES:
        extra, attributes = _axes(op, 18, axes)
        model = plain(op, {"x": ("float32", shape)}, "float32", extra, 18, **attributes)
        assert_equal(model, tmp_path, rounds=1)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"])
def test_on_integers_that_mean_themselves(tmp_path: Path, op: str) -> None:
    axes = {"axes": np.array([1], np.int64)}
    model = plain(op, {"x": ("int32", (3, 4, 5))}, "int32", axes, 18, keepdims=0)
    assert_equal(model, tmp_path)


@pytest.mark.parametrize("noop", [0, 1])
def test_no_axes_are_all_axes_or_none(tmp_path: Path, noop: int) -> None:
    x = Operand((3, 4, 5), 0.02, 117)
    model = qdq("ReduceMean", {"x": x}, x, opset=18, noop_with_empty_axes=noop)
    graph = assert_equal(model, tmp_path)
    assert graph.tensors["y"].shape == ((3, 4, 5) if noop else (1, 1, 1))


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_places_read_stored_integers(tmp_path: Path, op: str, last: int, dtype: str) -> None:
    for axis, keep in ((1, 0), (-1, 1), (0, 1)):
        model = Model(dtype)
        names = model.operand("x", Operand((4, 9, 30), 0.02, 3))
        model.nodes += [
            onnx.helper.make_node("DequantizeLinear", names, ["real"]),
            onnx.helper.make_node(
                op, ["real"], ["y"], axis=axis, keepdims=keep, select_last_index=last
            ),
        ]
        made = model.finished(None, 17)
        made.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
        graph = assert_equal(made, tmp_path, dtype, paths=("reference", "c"))
        assert [node.inputs for node in graph.nodes] == [("x",)]


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_places_in_reals(tmp_path: Path, op: str) -> None:
    assert_equal(plain(op, {"x": ("float32", (3, 7, 2))}, "int64", axis=1), tmp_path)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normalization_to_unit_length(tmp_path: Path, order: int, dtype: str) -> None:
    for axis, shape in ((-1, (3, 40)), (1, (2, 6, 5, 4)), (0, (9,)), (1, (2, 3, 4, 2, 2))):
        x, y, named = Operand(shape, 0.031, 4), Operand((), 0.009, 5), {"axis": axis, "p": order}
        assert_equal(qdq("LpNormalization", {"x": x}, y, dtype=dtype, **named), tmp_path, dtype, 1)
        model = plain("LpNormalization", {"x": ("float32", shape)}, "float32", **named)
        assert_equal(model, tmp_path, rounds=1)


def _written_out_network() -> onnx.ModelProto:
    """A channel-wise normalization written out, a norm, and the class, as exporters do."""
    b = NetworkBuilder(3)
    x = b.node("Relu", [b.conv("image", 3, 16, 3, stride=2)])
    x = b.node("Max", [b.node("Sub", [x, b.conv(x, 16, 16, 3)]), x])
    away = b.node("Sub", [x, b.node("ReduceMean", [x], axes=[1])])
    squares = b.node("ReduceMean", [b.node("Pow", [away, b.constant("two", 2.0)])], axes=[1])
    spread = b.node("Sqrt", [b.node("Add", [squares, b.constant("epsilon", 1e-3)])])
    x = b.node("Div", [away, spread])
    peaks = b.node("ReduceMax", [x], axes=[2], keepdims=0)
    sums = b.node("ReduceSum", [x, b.constant("axes", [2, 3], np.int64)], keepdims=0)
    scores = b.dense(b.node("LpNormalization", [sums]), 16, 10)
    found = b.node("ArgMax", [scores], axis=1, keepdims=0)
    model = b.model({"image": (1, 3, 16, 16)}, {scores: (1, 10), peaks: (1, 16, 8)})
    model.graph.output.append(onnx.helper.make_tensor_value_info(found, 7, [1]))
    return model


def test_a_network_that_writes_its_normalization_out(tmp_path: Path) -> None:
    """Layer by layer, with every tensor of its own scale: 0 wrong elements."""
    network = _written_out_network()
    kinds = sorted({node.op_type for node in network.graph.node})
    path = quantize(network, tmp_path, "qdq", op_types_to_quantize=kinds)
    graph = read_onnx(path)
    oracle = session(expose(path, graph))
    for inputs in random_inputs(network, 2):
        assert not any(wrong_elements(graph, oracle, inputs).values())
    by_kind = {node.op.kind: graph.tensors[node.inputs[0]].format for node in graph.nodes}
    integers = ("sub", "maximum", "mean", "div", "reduce_max", "sum", "l2_normalization")
    assert {by_kind[kind].name for kind in integers} == {"uint8"}


def _refusal(model: onnx.ModelProto, folder: Path, kind: type[Exception]) -> str:
    onnx.save(model, folder / "one.onnx")
    with pytest.raises(kind) as caught:
        read_onnx(folder / "one.onnx")
    return str(caught.value)


def test_axes_outside_the_rank_are_refused(tmp_path: Path) -> None:
    given = {"axes": np.array([2], np.int64)}
    model = plain("ReduceSum", {"x": ("float32", (3, 4))}, "float32", given)
    assert "operator" in (text := _refusal(model, tmp_path, ModelFileError))
    assert "axes (2,) are outside the shape (3, 4)" in text
    model = plain("ArgMax", {"x": ("float32", (3, 4))}, "int64", axis=-3)
    assert "outside the shape" in _refusal(model, tmp_path, ModelFileError)
    model = plain("LpNormalization", {"x": ("float32", (3, 4))}, "float32", axis=2)
    assert "axis 2 is outside rank 2" in _refusal(model, tmp_path, ModelFileError)


def test_axes_that_are_computed_are_refused(tmp_path: Path) -> None:
    inputs = {"x": ("float32", (3, 4)), "axes": ("int64", (1,))}
    model = plain("ReduceSum", inputs, "float32")
    assert "'axes' must be a constant" in _refusal(model, tmp_path, UnsupportedModelError)
