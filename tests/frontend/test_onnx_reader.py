"""Clean-up that real exports need: constant folding, open extents, Q/DQ and BatchNorm folding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from npusim.errors import UsageError
from npusim.frontend import load_model
from npusim.frontend.onnx import read_onnx
from npusim.ir.graph import Graph
from npusim.numerics.formats import FP32, INT8, UINT8
from npusim.numerics.quantization import Activation
from tests.support.onnx_models import (
    NetworkBuilder,
    quantize,
    random_inputs,
    session,
    wrong_elements,
)

Pair = tuple[str, Sequence[object]]


def _read(
    tmp_path: Path, b: NetworkBuilder, x: Pair, y: str, **options: object
) -> tuple[Graph, Path]:
    path = tmp_path / "model.onnx"
    model = b.model({x[0]: x[1]}, {y: ()}, options.pop("opset", 17))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, path)
    return read_onnx(path, **options), path


def _kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes]


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    """What exporters write for x.reshape(x.shape[0], -1): Shape, Gather, Unsqueeze, Concat."""
    b = NetworkBuilder()
    shape = b.node("Shape", ["x"])
    first = b.node("Gather", [shape, b.constant("zero", 0, np.int64)], axis=0)
    axes = b.constant("axes", [0], np.int64)
    rest = b.node("Constant", [], value=numpy_helper.from_array(np.array([-1], np.int64)))
    joined = b.node("Concat", [b.node("Unsqueeze", [first, axes]), rest], axis=0)
    y = b.node("Reshape", ["x", joined])
    graph, _ = _read(tmp_path, b, ("x", (3, 4, 5)), y)
    assert _kinds(graph) == ["reshape"] and graph.tensors[y].shape == (3, 20)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "expected"),
    [
        ("Add", [[1, 2], [3]], {}, [4, 5]),
        ("Sub", [[1, 2], [3]], {}, [-2, -1]),
        ("Mul", [[1, 2], [3]], {}, [3, 6]),
        ("Div", [[-7, 7], [2]], {}, [-3, 3]),
        ("Slice", [[5, 6, 7, 8], [1], [-1]], {}, [6, 7]),
        ("Slice", [[5, 6, 7, 8], [-1], [-9], [0], [-2]], {}, [8, 6]),
        ("Gather", [[5, 6, 7], [-1, 0]], {}, [7, 5]),
        ("Range", [3, 10, 3], {}, [3, 6, 9]),
        ("Expand", [[4], [3]], {}, [4, 4, 4]),
        ("ConstantOfShape", [[2]],
         {"value": numpy_helper.from_array(np.array([9], np.int64))}, [9, 9]),
        ("Where", [[1, 0], [5, 6], [7, 8]], {}, [5, 8]),
        ("Cast", [[1.0, 2.0]], {"to": TensorProto.INT64}, [1, 2]),
    ],
)  # fmt: skip
def test_constant_folding_follows_the_standard(
    tmp_path: Path,
    op: str,
    inputs: list[object],
    attributes: dict[str, object],
    expected: list[int],
) -> None:
    b = NetworkBuilder()
    names = []
    for index, values in enumerate(inputs):
        kind = np.float32 if op == "Cast" else np.bool_ if (op, index) == ("Where", 0) else np.int64
        names.append(b.constant(f"c{index}", values, kind))
    folded = b.node(op, names, **attributes)
    total = b.node("Add", ["x", b.node("Cast", [folded], to=TensorProto.FLOAT)])
    graph, _ = _read(tmp_path, b, ("x", (len(expected),)), total)
    (constant,) = graph.constants()
    assert constant.data is not None and constant.data.tolist() == expected


def test_an_open_batch_is_one_and_noted_or_as_asked(tmp_path: Path) -> None:
    def build() -> tuple[NetworkBuilder, str]:
        b = NetworkBuilder()
        return b, b.node("Relu", ["x"])

    b, y = build()
    graph, path = _read(tmp_path, b, ("x", ("N", 3, 4, 4)), y)
    assert graph.tensors[y].shape == (1, 3, 4, 4)
    assert graph.notes[0] == "input 'x': the open batch extent is taken as 1"
    assert read_onnx(path, batch=5).tensors[y].shape == (5, 3, 4, 4)
    assert read_onnx(path, shapes={"x": (2, 3, 4, 4)}).tensors[y].shape == (2, 3, 4, 4)
    assert load_model(path, shapes={"x": (7, 3, 4, 4)}).tensors[y].shape == (7, 3, 4, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "open extent on axis 2, 3; give it with --shape x=1x3xNxN"),
        ({"shapes": {"y": (1, 3, 4, 4)}}, "no input 'y'"),
        ({"shapes": {"x": (1, 4, 4, 4)}}, "shape 1x4x4x4 does not fit input 'x' of shape ?x3x?x?"),
        ({"shapes": {"x": (1, 3, 4)}}, "does not fit"),
        ({"shapes": {"x": (1, 3, 0, 4)}}, "does not fit"),
    ],
)
def test_extents_that_stay_open_or_do_not_fit(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    b = NetworkBuilder()
    y = b.node("Relu", ["x"])
    with pytest.raises(UsageError) as caught:
        _read(tmp_path, b, ("x", ("N", 3, "H", "W")), y, **options)
    assert message in str(caught.value)


def _two_inputs(tmp_path: Path, first: tuple[object, ...], second: tuple[object, ...]) -> Path:
    nodes = [helper.make_node("Relu", [name], [f"{name}_relu"]) for name in "ab"]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("a", first), ("b", second))
    ]
    outs = [helper.make_tensor_value_info(f"{name}_relu", TensorProto.FLOAT, None) for name in "ab"]
    graph = helper.make_graph(nodes, "two", ends, outs)
    opsets = [helper.make_opsetid("", 17)]
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_an_extent_that_has_a_name_is_the_same_in_every_input(tmp_path: Path) -> None:
    path = _two_inputs(tmp_path, ("batch", "length"), (2, "batch", 128))
    tensors = read_onnx(path, shapes={"a": (3, 576)}).tensors
    assert (tensors["a"].shape, tensors["b"].shape) == ((3, 576), (2, 3, 128))
    tensors = read_onnx(path, shapes={"a": (3, 576), "b": (2, 1, 128)}).tensors
    assert tensors["b"].shape == (2, 1, 128)


def test_a_name_that_stands_for_any_open_extent_stands_for_none(tmp_path: Path) -> None:
    path = _two_inputs(tmp_path, (1, "?", "?"), (1, "?"))
    with pytest.raises(UsageError, match="give it with --shape b=1xN"):
        read_onnx(path, shapes={"a": (1, 5, 7)})


def test_minus_one_is_an_open_extent(tmp_path: Path) -> None:
    path = _two_inputs(tmp_path, (-1, 3), (-1, 4))
    tensors = read_onnx(path, shapes={"a": (6, 3)}).tensors
    assert (tensors["a"].shape, tensors["b"].shape) == ((6, 3), (1, 4))


def test_every_input_that_stays_open_is_named_with_what_is_known(tmp_path: Path) -> None:
    path = _two_inputs(tmp_path, ("N", "length"), (2, "N", 128))
    with pytest.raises(UsageError) as caught:
        read_onnx(path)
    assert "--shape a=1xN" in str(caught.value) and "--shape b=2xNx128" in str(caught.value)


def test_a_fixed_batch_is_not_changed(tmp_path: Path) -> None:
    b = NetworkBuilder()
    y = b.node("Relu", ["x"])
    with pytest.raises(UsageError, match="fixed batch of 2, not 3"):
        _read(tmp_path, b, ("x", (2, 3)), y, batch=3)


def test_batch_norm_is_folded_into_the_convolution(tmp_path: Path) -> None:
    b = NetworkBuilder(5)
    x = b.conv("x", 3, 6, 3)
    draw = b.random.uniform
    names = [b.constant(n, draw(0.5, 1.5, 6)) for n in ("scale", "shift", "mean", "variance")]
    y = b.node("Relu", [b.node("BatchNormalization", [x, *names])])
    graph, path = _read(tmp_path, b, ("x", (1, 3, 7, 7)), y)
    (node,) = graph.nodes
    assert node.op.kind == "conv2d" and node.op.activation is Activation.RELU
    weights, bias = (graph.tensors[name].data for name in node.inputs[1:])
    sample = random_inputs(onnx.load(path), 1)[0]
    (expected,) = ReferenceEvaluator(str(path)).run(None, sample)
    conv = helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 4)
    given = {"x": sample["x"], "w": np.moveaxis(weights, -1, 1), "b": bias}
    (found,) = ReferenceEvaluator(conv).run(None, given)
    np.testing.assert_allclose(np.maximum(found, 0), expected, rtol=2e-5, atol=2e-6)


def test_weights_of_a_float_gemm_are_transposed(tmp_path: Path) -> None:
    b = NetworkBuilder(5)
    y = b.node("Gemm", ["x", b.constant("w", np.arange(6).reshape(3, 2))])
    graph, _ = _read(tmp_path, b, ("x", (4, 3)), y)
    assert graph.tensors["w"].data.tolist() == [[0, 2, 4], [1, 3, 5]]
    assert graph.tensors[y].format == FP32


def test_identities_and_dropout_leave_no_trace(tmp_path: Path) -> None:
    b = NetworkBuilder()
    x = b.node("Identity", [b.node("Relu", [b.node("Dropout", ["x"])])])
    graph, _ = _read(tmp_path, b, ("x", (2, 3)), b.node("Relu", [x]))
    assert _kinds(graph) == ["relu", "relu"]


def test_an_identity_that_is_an_output_keeps_its_name(tmp_path: Path) -> None:
    b = NetworkBuilder()
    y = b.node("Identity", ["x"])
    graph, _ = _read(tmp_path, b, ("x", (2, 3)), y)
    assert graph.outputs == (y,) and _kinds(graph) == ["reshape"]


def test_padding_is_folded_into_a_convolution(tmp_path: Path) -> None:
    b = NetworkBuilder(1)
    pads = b.constant("pads", [0, 0, 1, 2, 0, 0, 3, 0], np.int64)
    y = b.conv(b.node("Pad", ["x", pads]), 3, 4, 3)
    graph, _ = _read(tmp_path, b, ("x", (1, 3, 6, 6)), y)
    (node,) = graph.nodes
    assert node.op.padding == (2, 3, 4, 1)


def test_padding_with_another_value_stays(tmp_path: Path) -> None:
    b = NetworkBuilder(1)
    pads = b.constant("pads", [0, 0, 1, 2, 0, 0, 3, 0], np.int64)
    y = b.conv(b.node("Pad", ["x", pads, b.constant("one", 1.0)]), 3, 4, 3)
    graph, _ = _read(tmp_path, b, ("x", (1, 3, 6, 6)), y)
    assert _kinds(graph) == ["pad", "conv2d"]


def _stored_weights(b: NetworkBuilder, style: str) -> str:
    """Dequantized weights [4, 3, 1, 1] in the ways that exporters write them."""
    values = np.arange(-6, 6, dtype=np.int8).reshape(4, 3, 1, 1)
    scale = b.constant("w_scale", np.array([0.5, 1, 2, 4]))
    zero = b.constant("w_zero", np.zeros(4), np.int8)
    if style == "stored":
        w = b.constant("w", values, np.int8)
    elif style == "transposed":
        w = b.constant("w", values.transpose(1, 0, 2, 3), np.int8)
        real = b.node("DequantizeLinear", [w, scale, zero], axis=1)
        return b.node("Transpose", [real], perm=[1, 0, 2, 3])
    else:
        real = values * np.array([0.5, 1, 2, 4]).reshape(4, 1, 1, 1)
        w = b.node("QuantizeLinear", [b.constant("w", real), scale, zero], axis=0)
    return b.node("DequantizeLinear", [w, scale, zero], axis=0)


@pytest.mark.parametrize("style", ["stored", "transposed", "quantized in the graph"])
def test_weights_keep_their_stored_integers(tmp_path: Path, style: str) -> None:
    b = NetworkBuilder()
    scale, zero = b.constant("scale", 0.1), b.constant("zero", 128, np.uint8)
    q = b.node("QuantizeLinear", ["x", scale, zero])
    real = b.node("DequantizeLinear", [q, scale, zero])
    y = b.node("Conv", [real, _stored_weights(b, style)])
    stored = b.node("QuantizeLinear", [y, b.constant("y_scale", 0.3), zero])
    out = b.node("DequantizeLinear", [stored, "y_scale", zero])
    graph, path = _read(tmp_path, b, ("x", (1, 3, 5, 5)), out)
    assert _kinds(graph) == ["quantize", "conv2d", "dequantize"]
    weights = graph.tensors[graph.nodes[1].inputs[1]]
    assert weights.format == INT8 and weights.data.reshape(-1).tolist() == list(range(-6, 6))
    assert weights.quantization.axis == 0
    assert weights.quantization.scale.tolist() == [0.5, 1, 2, 4]
    assert graph.tensors[q].format == UINT8
    for sample in random_inputs(onnx.load(path), 3):
        assert wrong_elements(graph, session(path), sample) == {out: 0}


def test_quantization_after_a_flatten_reaches_the_mean(tmp_path: Path) -> None:
    """ReduceMean with keepdims, Flatten, and only then the quantization."""
    b = NetworkBuilder(6)
    x = b.conv("image", 3, 8, 3)
    y = b.dense(b.node("Flatten", [b.node("ReduceMean", [x], axes=[2, 3], keepdims=1)]), 8, 5)
    path = quantize(b.model({"image": (1, 3, 9, 9)}, {y: (1, 5)}), tmp_path, "qdq")
    graph = read_onnx(path)
    kinds = ["quantize", "conv2d", "mean", "reshape", "fully_connected", "dequantize"]
    assert _kinds(graph) == kinds
    for sample in random_inputs(onnx.load(path), 20):
        assert wrong_elements(graph, session(path), sample) == {y: 0}


def test_images_have_their_channels_innermost(tmp_path: Path) -> None:
    b = NetworkBuilder(6)
    x = b.node("Add", [b.conv("image", 3, 8, 3), b.constant("c", np.ones((1, 8, 1, 1)))])
    y = b.node("Flatten", [x])
    graph, _ = _read(tmp_path, b, ("image", (1, 3, 9, 9)), y)
    axes = {name: tensor.channel_axis for name, tensor in graph.tensors.items()}
    assert (axes["image"], axes[x], axes[y]) == (1, 1, -1)


def test_a_bias_that_is_not_quantized_becomes_int32_as_in_onnx_runtime(tmp_path: Path) -> None:
    b = NetworkBuilder(3)
    y = b.conv(b.conv("image", 3, 4, 3), 4, 4, 1)
    model = b.model({"image": (1, 3, 8, 8)}, {y: (1, 4, 8, 8)})
    path = quantize(model, tmp_path, "qdq", extra_options={"QuantizeBias": False})
    graph = read_onnx(path)
    assert _kinds(graph) == ["quantize", "conv2d", "conv2d", "dequantize"]
    assert any("'conv1_node'" in note for note in graph.notes)
    for sample in random_inputs(onnx.load(path), 3):
        assert wrong_elements(graph, session(path), sample) == {y: 0}


def test_a_float_softmax_amid_integers_is_noted(tmp_path: Path) -> None:
    b = NetworkBuilder()
    scale, zero = b.constant("scale", 0.1), b.constant("zero", 128, np.uint8)
    q = b.node("QuantizeLinear", ["x", scale, zero])
    y = b.node("Softmax", [b.node("DequantizeLinear", [q, scale, zero])])
    graph, _ = _read(tmp_path, b, ("x", (1, 10)), y)
    assert _kinds(graph) == ["quantize", "dequantize", "softmax"]
    assert any("1 of 3 operators compute in float32" in note for note in graph.notes)


@pytest.mark.parametrize(("zero_point", "notes"), [(128, 1), (0, 0)])
def test_a_clamp_that_onnx_runtime_leaves_in_float_is_noted(
    tmp_path: Path, zero_point: int, notes: int
) -> None:
    """Conv, Relu, QuantizeLinear: fused by ONNX Runtime only if saturation implies the clamp."""
    b = NetworkBuilder()
    scale, zero = b.constant("scale", 0.1), b.constant("zero", zero_point, np.uint8)
    real = b.node("DequantizeLinear", [b.node("QuantizeLinear", ["x", scale, zero]), scale, zero])
    y = b.node("Relu", [b.node("Conv", [real, _stored_weights(b, "stored")])])
    stored = b.node("QuantizeLinear", [y, scale, zero])
    out = b.node("DequantizeLinear", [stored, scale, zero])
    graph, path = _read(tmp_path, b, ("x", (1, 3, 5, 5)), out)
    assert _kinds(graph) == ["quantize", "conv2d", "dequantize"]
    assert len(graph.notes) == notes
    if not notes:
        for sample in random_inputs(onnx.load(path), 3):
            assert wrong_elements(graph, session(path), sample) == {out: 0}


@pytest.mark.parametrize("activations", ["uint8", "int8"])
def test_symmetric_activations_keep_their_clamps(tmp_path: Path, activations: str) -> None:
    b = NetworkBuilder(3)
    x = b.node("Relu", [b.conv("image", 3, 4, 3)])
    x = b.node("Relu", [b.node("Add", [x, b.conv(x, 4, 4, 3)])])
    y = b.conv(x, 4, 4, 1)
    model = b.model({"image": (1, 3, 8, 8)}, {y: (1, 4, 8, 8)})
    options = {"extra_options": {"ActivationSymmetric": True}}
    path = quantize(model, tmp_path, "qdq", activations=activations, **options)
    graph = read_onnx(path)
    assert _kinds(graph).count("relu") == 1 and graph.notes == ()  # the other is the convolution's
    for sample in random_inputs(model, 10):
        oracle = session(path, int8=activations == "int8")
        assert wrong_elements(graph, oracle, sample) == {y: 0}
