"""ONNX operators that move values: not one wrong element, on stored integers and on float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from npusim.ir.loopnest import Unit
from tests.support.evaluate import evaluate
from tests.support.onnx_models import (
    NetworkBuilder,
    expose,
    quantize,
    random_inputs,
    session,
    wrong_elements,
)
from tests.support.onnx_movements import F, check, ints, plain, resized
from tests.support.onnx_operators import Model, Operand, qdq

CASES: dict[str, tuple[str, tuple[int, ...], dict[str, np.ndarray], dict[str, object]]] = {
    "transpose": ("Transpose", (2, 3, 4, 5), {}, {"perm": [0, 2, 3, 1]}),
    "transpose of rank 5": ("Transpose", (2, 3, 1, 5, 4), {}, {"perm": [4, 1, 3, 2, 0]}),
    "transpose by default": ("Transpose", (2, 3, 4), {}, {}),
    "slice": ("Slice", (4, 5, 6), {"s": ints(1, -3), "e": ints(3, 99), "a": ints(0, 2)}, {}),
    "slice backwards": (
        "Slice", (4, 5, 6),
        {"s": ints(-1, 4), "e": ints(-99, 0), "a": ints(-1, 1), "p": ints(-2, -1)}, {},
    ),
    "slice by steps": (
        "Slice", (1, 7, 9), {"s": ints(1, 0), "e": ints(7, 9), "a": ints(1, 2), "p": ints(2, 3)},
        {},
    ),
    "gather": ("Gather", (3, 4, 5), {"i": np.array([[0, -1], [2, 1]], np.int64)}, {"axis": 1}),
    "gather one": ("Gather", (3, 4, 5), {"i": np.array(-2, np.int64)}, {"axis": 2}),
    "gather elements": (
        "GatherElements", (3, 4), {"i": np.array([[0, -1, 2], [2, 1, 0]], np.int64)}, {"axis": 0},
    ),
    "gather nd": ("GatherND", (3, 4, 5), {"i": np.array([[0, 1], [2, -1]], np.int64)}, {}),
    "gather nd, batches": (
        "GatherND", (2, 4, 5), {"i": ints(1, 3, 0, 0).reshape(2, 2, 1)}, {"batch_dims": 1},
    ),
    "tile": ("Tile", (2, 3, 4), {"r": ints(1, 3, 2)}, {}),
    "expand": ("Expand", (3, 1, 4), {"s": ints(2, 1, 5, 1)}, {}),
    "space to depth": ("SpaceToDepth", (1, 3, 4, 6), {}, {"blocksize": 2}),
    "depth to space": ("DepthToSpace", (1, 12, 2, 3), {}, {"blocksize": 2}),
    "depth to space, CRD": ("DepthToSpace", (2, 18, 2, 1), {}, {"blocksize": 3, "mode": "CRD"}),
    "reflect": ("Pad", (1, 2, 4, 5), {"p": ints(0, 1, 2, 3, 0, 0, 3, 4)}, {"mode": "reflect"}),
    "edge": ("Pad", (2, 3, 4), {"p": ints(1, 0, 2, 0, 4, 7)}, {"mode": "edge"}),
    "squeeze": ("Squeeze", (2, 1, 4), {"a": ints(-2)}, {}),
    "unsqueeze": ("Unsqueeze", (2, 4), {"a": ints(-1, 1)}, {}),
    "reshape": ("Reshape", (2, 3, 4), {"s": ints(0, -1)}, {}),
    "flatten": ("Flatten", (2, 3, 4), {}, {"axis": -1}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_between_equal_scales_integers_move(tmp_path: Path, case: str, dtype: str) -> None:
    op, shape, extra, attributes = CASES[case]
    x = Operand(shape, 0.02, 7)
    check(qdq(op, {"x": x}, x, dtype=dtype, extra=extra, **attributes), tmp_path, dtype)
    graph = read_onnx(tmp_path / "one.onnx")
    assert len(graph.nodes) == 1 and all(t.format.bits != 32 for t in graph.tensors.values())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_between_other_scales_values_are_requantized(
    tmp_path: Path, case: str, dtype: str
) -> None:  # fmt: skip
    op, shape, extra, attributes = CASES[case]
    operands = {"x": Operand(shape, 0.02, 7)}
    y = Operand((), 0.013, 11)
    check(qdq(op, operands, y, dtype=dtype, extra=extra, **attributes), tmp_path, dtype)


NOT_IN_ONNX_RUNTIME = [
    (kind, dtype) for kind in ("SpaceToDepth", "DepthToSpace") for dtype in ("int32", "int64")
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int64", "int32"])
def test_without_scales_anything_moves(tmp_path: Path, case: str, dtype: str) -> None:
    op, shape, extra, attributes = CASES[case]
    if (op, dtype) not in NOT_IN_ONNX_RUNTIME:
        check(plain(op, shape, extra, dtype, **attributes), tmp_path, dtype)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_split(tmp_path: Path, dtype: str) -> None:
    for extra, opset, outputs, attributes in (
        ({"s": ints(1, 4, 2)}, 13, 3, {"axis": 1}),
        ({}, 17, 2, {"axis": -1}),
        ({}, 18, 4, {"axis": 1, "num_outputs": 4}),
        ({}, 11, 3, {"axis": 0}),
        ({}, 11, 2, {"axis": 1, "split": [3, 4]}),
    ):
        model = plain("Split", (3, 7, 4), extra, dtype, opset, outputs, **attributes)
        check(model, tmp_path, dtype)


def test_slice_by_attributes(tmp_path: Path) -> None:
    attributes = {"starts": [1, -4], "ends": [99, -1], "axes": [0, 2]}
    check(plain("Slice", (4, 5, 6), {}, "float32", 9, **attributes), tmp_path, "float32")


def test_shapes_that_a_model_computes_are_folded(tmp_path: Path) -> None:
    """Shape, slices of it and arithmetic on it become the constants of Resize and Expand."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "two"], ["height"], axis=0),
        helper.make_node("Split", ["shape"], ["front", "back"], axis=0),
        helper.make_node("Cast", ["back"], ["real"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "factor"], ["wide"]),
        helper.make_node("Floor", ["wide"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["size"], to=onnx.TensorProto.INT64),
        helper.make_node("Concat", ["front", "size"], ["sizes"], axis=0),
        helper.make_node("Resize", ["x", "", "", "sizes"], ["big"], mode="nearest"),
        helper.make_node("Size", ["x"], ["count"]),
        helper.make_node("Range", ["zero", "height", "one"], ["rows"]),
        helper.make_node("ConstantOfShape", ["vector"], ["ones"], value=helper.make_tensor(
            "v", onnx.TensorProto.INT64, [1], [1])),
        helper.make_node("Equal", ["ones", "vector"], ["same"]),
        helper.make_node("Where", ["same", "ones", "vector"], ["chosen"]),
        helper.make_node("Tile", ["big", "chosen"], ["tiled"]),
        helper.make_node("Gather", ["tiled", "rows"], ["y"], axis=2),
        helper.make_node("GreaterOrEqual", ["count", "one"], ["positive"]),
        helper.make_node("Not", ["positive"], ["negative"]),
    ]  # fmt: skip
    constants = [
        onnx.numpy_helper.from_array(np.asarray(value), name)
        for name, value in {
            "two": ints(2)[0], "factor": F(1.5), "zero": ints(0)[0], "one": ints(1)[0],
            "vector": ints(4),
        }.items()
    ]  # fmt: skip
    constants[-1] = onnx.numpy_helper.from_array(ints(1, 2, 1, 1), "vector")
    nodes[11] = helper.make_node("ConstantOfShape", ["length"], ["ones"], value=helper.make_tensor(
        "v", onnx.TensorProto.INT64, [1], [1]))  # fmt: skip
    constants.append(onnx.numpy_helper.from_array(ints(4), "length"))
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2, "h", "w"])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "shapes", [x], [y], constants)
    path = tmp_path / "shapes.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )
    ours = read_onnx(path, shapes={"x": (1, 2, 4, 6)})
    assert [node.op.kind for node in ours.nodes] == ["resize_nearest", "tile", "gather"]
    values = np.random.default_rng(0).standard_normal((1, 2, 4, 6)).astype(F)
    assert wrong_elements(ours, session(path), {"x": values}) == {"y": 0}


def test_weights_that_a_model_rearranges_stay_stored_integers(tmp_path: Path) -> None:
    """A Conv whose dequantized weights are reshaped and sliced before it reads them."""
    weights = np.random.default_rng(3).integers(-127, 128, (5, 27)).astype(np.int8)
    model = Model("uint8")
    x = model.operand("x", Operand((1, 3, 6, 6), 0.02, 117))
    w = model.operand("w", Operand(weights.shape, 0.01, 0, weights))
    given = {"shape": ints(5, 3, 3, 3), "start": ints(1), "end": ints(5), "axis": ints(0)}
    for name, data in given.items():
        model.constant(name, data, np.int64)
    model.nodes += [
        helper.make_node("DequantizeLinear", x, ["x_real"]),
        helper.make_node("DequantizeLinear", w, ["w_real"]),
        helper.make_node("Reshape", ["w_real", "shape"], ["w_shaped"]),
        helper.make_node("Slice", ["w_shaped", "start", "end", "axis"], ["w_part"]),
        helper.make_node("Conv", ["x_real", "w_part"], ["y_real"], "operator"),
    ]
    parameters = model.parameters("y", Operand((), 0.4, 99), "uint8")
    model.nodes.append(helper.make_node("QuantizeLinear", ["y_real", *parameters], ["y"]))
    check(model.finished(None, 17), tmp_path, "uint8")
    assert [node.op.kind for node in read_onnx(tmp_path / "one.onnx").nodes] == ["conv2d"]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("value", [0.0, 1.5, -0.31, 99.0])
def test_a_padding_value_takes_the_scale_of_the_tensor(
    tmp_path: Path, dtype: str, other: bool, value: float
) -> None:  # fmt: skip
    """Between equal scales it is rounded to them; else the padding stays in float32."""
    x = Operand((1, 2, 3, 4), 0.02, 7)
    extra = {"pads": ints(0, 0, 1, 2, 0, 0, 0, 1), "value": F(value)}
    y = Operand((), 0.013, 11) if other else x
    check(qdq("Pad", {"x": x}, y, dtype=dtype, extra=extra), tmp_path, dtype)


def test_a_padding_value_may_be_stored(tmp_path: Path) -> None:
    model = Model("uint8")
    x = model.operand("x", Operand((1, 2, 3, 4), 0.02, 117))
    value = model.operand("v", Operand((), 0.05, 3, np.array(20, np.uint8)))
    pads = model.constant("pads", ints(0, 0, 1, 2, 0, 0, 0, 1), np.int64)
    model.nodes += [
        helper.make_node("DequantizeLinear", x, ["x_real"]),
        helper.make_node("DequantizeLinear", value, ["v_real"]),
        helper.make_node("Pad", ["x_real", pads, "v_real"], ["y_real"], "operator"),
        helper.make_node("QuantizeLinear", ["y_real", *x[1:]], ["y"]),
    ]
    check(model.finished(None, 17), tmp_path, "uint8")
    assert [node.op.kind for node in read_onnx(tmp_path / "one.onnx").nodes] == ["pad"]


DAMAGE: dict[str, tuple[onnx.ModelProto, type[Exception], str]] = {
    "order": (plain("Transpose", (2, 3), {}, "float32", perm=[0, 0]), ModelFileError, "perm"),
    "step": (
        plain("Slice", (4,), {"s": ints(0), "e": ints(1), "a": ints(0), "p": ints(0)}, "float32"),
        ModelFileError, "slices axes",
    ),
    "parts": (
        plain("Split", (4,), {"s": ints(1, 2)}, "float32", outputs=2), ModelFileError, "parts of",
    ),
    "axis": (
        plain("Gather", (4,), {"i": ints(1)}, "float32", axis=3), ModelFileError, "axis 3 is",
    ),
    "index": (plain("Gather", (4,), {"i": ints(4)}, "float32"), ModelFileError, "an index is"),
    "repeats": (plain("Tile", (4,), {"r": ints(1, 2)}, "float32"), ModelFileError, "repeats"),
    "shape": (plain("Expand", (4,), {"s": ints(3)}, "float32"), ModelFileError, "do not broadcast"),
    "block": (
        plain("DepthToSpace", (1, 6, 2, 2), {}, "float32", blocksize=2), ModelFileError, "blocks",
    ),
    "rank": (
        plain("SpaceToDepth", (6, 2, 2), {}, "float32", blocksize=2), ModelFileError, "rank 4",
    ),
    "reflection": (
        plain("Pad", (2,), {"p": ints(2, 0)}, "float32", mode="reflect"), ModelFileError, "reflect",
    ),
    "region": (
        resized("float32", (1, 1, 2, 2), [1, 1, 2, 2], None,
                coordinate_transformation_mode="tf_crop_and_resize"),
        UnsupportedModelError, "tf_crop_and_resize",
    ),
    "length": (
        resized("float32", (1, 1, 2, 2), None, [1, 1, 2, 2**30]), ModelFileError,
        "more than 1048576",
    ),
    "factor": (
        resized("float32", (1, 1, 2, 2), [1, 1, 2, 3e38], None), ModelFileError,
        "more than 1048576",
    ),
    "format": (
        plain("Transpose", (2, 3), {}, "uint32"), UnsupportedModelError, "its type uint32",
    ),
    "sizes": (resized("float32", (1, 1, 2, 2), None, [2, 2]), ModelFileError, "each of 4 axes"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_a_node_that_can_not_be_read_is_named(tmp_path: Path, case: str) -> None:
    model, kind, reason = DAMAGE[case]
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(kind, match=reason) as error:
        read_onnx(tmp_path / "one.onnx")
    assert "operator" in str(error.value) or case == "format"


def detector() -> onnx.ModelProto:
    """A network with the movements of a detector: split, join, two upsamplings, boxes last."""
    b = NetworkBuilder(5)
    x = b.node("Relu", [b.conv("image", 3, 8, 3, stride=2)])
    b.nodes.append(helper.make_node("Split", [x], ["left", "right"], "split", axis=1))
    joined = b.node("Concat", ["left", b.conv("right", 4, 4, 3)], axis=1)
    scales = b.constant("scales", [1, 1, 2, 2])
    nearest = b.node("Resize", [joined, "", scales], mode="nearest", nearest_mode="floor",
                     coordinate_transformation_mode="asymmetric")  # fmt: skip
    linear = b.node("Resize", [joined, "", scales], mode="linear")
    deep = b.node("SpaceToDepth", [b.node("Add", [nearest, linear])], blocksize=2)
    last = b.node("Transpose", [b.conv(deep, 32, 8, 1)], perm=[0, 2, 3, 1])
    boxes = b.node("Reshape", [last, b.constant("shape", [1, -1, 8], np.int64)])
    ends = [b.constant(name, [n], np.int64) for name, n in (("s", 0), ("e", 100), ("a", 1))]
    return b.model({"image": (1, 3, 32, 32)}, {b.node("Slice", [boxes, *ends]): (1, 100, 8)})


@pytest.mark.parametrize("fmt", ["qdq", "qoperator"])
def test_a_network_of_movements_equals_onnx_runtime_layer_by_layer(
    tmp_path: Path, fmt: str
) -> None:  # fmt: skip
    path = quantize(detector(), tmp_path, fmt)
    graph = read_onnx(path)
    assert sum(node.op.kind == "dequantize" for node in graph.nodes) == 1
    oracle = session(expose(path, graph))
    for inputs in random_inputs(detector(), 2):
        wrong = wrong_elements(graph, oracle, inputs)
        assert len(wrong) > 8 and not any(wrong.values())
    turned = next(node for node in graph.nodes if node.op.kind == "transpose")
    assert turned.op.loop_nest(*graph.operands(turned)).unit is Unit.ALIAS


def test_a_slice_of_nothing_is_refused_as_an_output(tmp_path: Path) -> None:
    onnx.save(plain("Slice", (4,), {"s": ints(3), "e": ints(1)}, "float32"), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="output 'y0': has no elements"):
        read_onnx(tmp_path / "one.onnx")


def test_parts_of_nothing_are_left_out_of_a_concatenation(tmp_path: Path) -> None:
    model = plain("Split", (4,), {"s": ints(0, 3, 1)}, "float32", outputs=3)
    names = list(model.graph.node[0].output)
    model.graph.node.append(helper.make_node("Concat", names, ["joined"], axis=0))
    model.graph.output[0].name = "joined"
    del model.graph.output[1:]
    onnx.save(model, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(evaluate(graph, {"x": x})["joined"], x)
