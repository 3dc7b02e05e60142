"""Transposed convolutions: 0 wrong elements against LiteRT and ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend import load_model
from npusim.frontend.onnx import read_onnx
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq
from tests.support.tflite_cases import inputs_for
from tests.support.tflite_models import TinyModel
from tests.support.tflite_transposed import transposed_conv

CASES = {
    "two by two": ((1, 24, 9, 7), (24, 8, 2, 2), {"strides": [2, 2]}),
    "overlapping": ((2, 5, 6, 8), (5, 7, 3, 4), {"strides": [2, 2]}),
    "padded": ((1, 6, 7, 5), (6, 4, 4, 3), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    "stride one": ((1, 3, 6, 6), (3, 5, 3, 3), {"pads": [1, 1, 1, 1]}),
    "gaps": ((1, 3, 5, 4), (3, 4, 2, 1), {"strides": [3, 2]}),
    "more behind": ((1, 4, 5, 5), (4, 3, 3, 3), {"strides": [2, 3], "output_padding": [1, 2]}),
    "groups": ((1, 6, 5, 6), (6, 2, 3, 3), {"group": 3, "strides": [2, 2]}),
    "depthwise": ((1, 5, 6, 6), (5, 1, 4, 4), {"group": 5, "strides": [2, 2], "pads": [1] * 4}),
    "dilated": ((1, 3, 6, 5), (3, 4, 3, 2), {"dilations": [2, 3], "strides": [3, 2]}),
    "same upper": ((1, 3, 5, 6), (3, 4, 3, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    "same lower": ((1, 3, 5, 6), (3, 4, 3, 4), {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    "asked for": ((1, 3, 5, 6), (3, 4, 3, 4), {"output_shape": [10, 13], "strides": [2, 2]}),
    "one axis": ((2, 3, 9), (3, 4, 4), {"strides": [2], "pads": [1, 0]}),
    "many channels": ((1, 300, 4, 5), (300, 3, 3, 3), {"strides": [2, 2]}),
    "one pixel": ((1, 40, 1, 1), (40, 6, 4, 4), {}),
}  # fmt: skip


def onnx_model(case: str, dtype: str, per_channel: bool) -> onnx.ModelProto:
    """Q/DQ around ConvTranspose with stored weights and bias."""
    x_shape, w_shape, attributes = CASES[case]
    rng = np.random.default_rng(3)
    filters = w_shape[1] * int(attributes.get("group", 1))
    scale = rng.uniform(0.002, 0.02, w_shape[1]).astype(np.float32) if per_channel else 0.011
    weights = rng.integers(-127, 128, w_shape).astype(np.int8)
    bias = rng.integers(-3000, 3000, filters).astype(np.int32)
    along = np.tile(scale, filters // w_shape[1]) if per_channel else scale
    operands = {
        "x": Operand(x_shape, 0.0213, 117 if dtype == "uint8" else -11),
        "w": Operand(w_shape, scale, 0, weights, 1 if per_channel else None),
        "b": Operand(bias.shape, np.float32(0.0213) * np.float32(along), 0, bias,
                     0 if per_channel else None),
    }  # fmt: skip
    spread = 0.011 * 0.0213 * 74 * 74 * np.sqrt(w_shape[0])
    y = Operand((), spread / 40, 140 if dtype == "uint8" else 12)
    return qdq("ConvTranspose", operands, y, dtype=dtype, **attributes)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_onnx_runtime_on_integers(tmp_path: Path, case: str, dtype: str, per_channel: bool) -> None:
    path = tmp_path / "one.onnx"
    onnx.save(onnx_model(case, dtype, per_channel), path)
    graph = read_onnx(path)
    assert [node.op.kind for node in graph.nodes] == ["transposed_conv2d"]
    oracle = session(path, int8=dtype == "int8")
    info = np.iinfo(dtype)
    for seed in range(3):
        x = np.random.default_rng(seed).integers(info.min, info.max + 1, CASES[case][0])
        assert wrong_elements(graph, oracle, {"x": x.astype(dtype)}) == {"y": 0}


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_stride_beyond_the_filter(tmp_path: Path, dtype: str, profile: str) -> None:
    """Output pixels that no tap reaches hold the bias; XNNPACK's own rule is not known."""
    file = tmp_path / "one.tflite"
    for seed in range(8):
        rng = np.random.default_rng([seed, 1])
        model = transposed_conv(rng, dtype, (4, 4))
        inputs = inputs_for(model, rng)
        file.write_bytes(model.content())
        graph = load_model(file)
        taps = graph.tensors[graph.nodes[0].inputs[1]].shape[1:3]
        op = graph.nodes[0].op
        gaps = any(s > t for s, t in zip(op.stride, taps, strict=True))
        if gaps and profile == "xnnpack":
            with pytest.raises(UnsupportedModelError, match="whose stride exceeds its filter"):
                evaluate(graph, inputs, profile)
            continue
        made = litert.interpreter(model.content(), profile)
        litert.run(made, inputs)
        (expected,) = litert.outputs(made).values()
        np.testing.assert_array_equal(evaluate(graph, inputs, profile)["y"], expected)


def test_loops_hold_all_taps_and_bytes_are_those_of_the_tensors(tmp_path: Path) -> None:
    for case, (x, w, attributes) in CASES.items():
        path = tmp_path / "one.onnx"
        onnx.save(onnx_model(case, "uint8", False), path)
        graph = read_onnx(path)
        (node,) = graph.nodes
        nest = node.op.loop_nest(*graph.operands(node))
        groups = int(attributes.get("group", 1))
        assert nest.macs == np.prod(x) * np.prod(w[1:]), case
        for operand in nest.operands:
            if operand.window:
                continue
            spans = [e for d, e in zip(("B", "G", "K", "C", "OY", "OX", "FY", "FX"), nest.extents,
                                       strict=True) if d in operand.dims]  # fmt: skip
            elements = int(np.prod(spans)) * operand.share[0] / operand.share[1]
            assert elements == graph.tensors[operand.tensor].size, (case, operand.tensor, groups)


def test_two_by_two_at_stride_two_wastes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "one.onnx"
    onnx.save(onnx_model("two by two", "uint8", False), path)
    graph = read_onnx(path)
    (node,) = graph.nodes
    nest = node.op.loop_nest(*graph.operands(node))
    assert nest.extents == (1, 1, 32, 24, 9, 7, 1, 1)
    assert nest.macs == int(np.prod(nest.extents))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"output_padding": [1, 1, 1]}, "output_padding"), ({"auto_pad": "ALL"}, "auto_pad"),
     ({"kernel_shape": [3, 3]}, "kernel_shape"), ({"pads": [30, 0, 30, 0]}, "is empty"),
     ({"group": 5}, "5 group"), ({"strides": [0, 1]}, "strides")],
)  # fmt: skip
def test_damaged_nodes_are_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    x, w, _ = CASES["two by two"]
    weights = np.ones(w, np.int8)
    operands = {"x": Operand(x, 0.1, 3), "w": Operand(w, 0.1, 0, weights)}
    path = tmp_path / "one.onnx"
    onnx.save(qdq("ConvTranspose", operands, Operand((), 0.1, 3), **change), path)
    with pytest.raises(ModelFileError, match=f"operator.*{message}"):
        read_onnx(path)


def computed_size(model: TinyModel) -> TinyModel:
    """`model` with its output's size taken from a second input's shape, when it runs."""
    kind, ins, outs, *rest = model.operators.pop()
    model.inputs.append(model.tensor("like", model.tensors[outs[0]].shape, "int8", 1.0))
    size = model.tensor("size", (4,), "int32")
    model.operator("SHAPE", [model.inputs[-1]], [size], "ShapeOptions", 1, OutType=2)
    model.operators.append((kind, (size, *ins[1:]), outs, *rest))
    return model


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_a_size_that_the_model_computes(tmp_path: Path, profile: str) -> None:
    """XNNPACK leaves such a node to a kernel that rounds channels by eights in its own way."""
    file = tmp_path / "one.tflite"
    for seed in range(24):
        rng = np.random.default_rng(seed)
        most = (4, 4) if seed % 4 == 0 else None
        model = computed_size(transposed_conv(rng, "int8", most, filters=(1, 30)))
        file.write_bytes(model.content())
        made = litert.interpreter(model.content(), profile)
        inputs = inputs_for(model, rng)
        litert.run(made, inputs)
        found = evaluate(load_model(file), inputs, profile)
        np.testing.assert_array_equal(found["y"], litert.outputs(made)["y"])


def test_a_computed_size_of_uint8_is_refused_where_the_rule_is_not_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = computed_size(transposed_conv(rng, "uint8"))
    (tmp_path / "one.tflite").write_bytes(model.content())
    graph, inputs = load_model(tmp_path / "one.tflite"), inputs_for(model, rng)
    with pytest.raises(UnsupportedModelError, match="output size the model computes"):
        evaluate(graph, inputs, "xnnpack")
    assert evaluate(graph, inputs, "tflite-reference")["y"].dtype == np.uint8
