"""What the TFLite reader makes of a file, and what it says of one that it can't take."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from npusim.errors import ModelFileError, UnsupportedModelError, UsageError
from npusim.frontend import load_model
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.shared import shared_path
from tests.support.tflite_models import RELU6, SAME, TinyModel


def read(model: TinyModel, folder: Path) -> Graph:
    """The graph of a model built in a test."""
    file = folder / "model.tflite"
    file.write_bytes(model.content())
    return load_model(file)


def chain(*kinds: str) -> TinyModel:
    """Unary operators one after another on a 2 x 3 tensor."""
    model = TinyModel()
    last = model.tensor("x", (2, 3), scale=0.1)
    model.inputs = [last]
    for index, kind in enumerate(kinds):
        following = model.tensor(f"t{index}", (2, 3), scale=0.1)
        model.operator(kind, [last], [following], version=1)
        last = following
    model.outputs = [last]
    return model


def test_a_real_model_keeps_its_names_shapes_and_parameters():
    path = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    graph = load_model(path)
    assert (graph.inputs, graph.outputs) == (("input_1",), ("Identity",))
    assert graph.tensors["input_1"].shape == (1, 49, 10, 1)
    assert graph.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert graph.profile == "tflite-reference"
    kinds = [node.op.kind for node in graph.nodes]
    assert (kinds.count("conv2d"), kinds[-2:]) == (9, ["fully_connected", "softmax"])
    stored = {name: t.size for name, t in graph.tensors.items() if t.is_constant}
    assert graph.parameters == sum(stored.values())


@pytest.mark.parametrize("name", ["vww_96_float", "pretrainedResnet", "ad01_fp32"])
def test_a_float_model_executes_and_says_so(name):
    """Within rounding of LiteRT, which adds float32 products in another order."""
    file = shared_path("data", "models", f"mlperf_tiny_{name}.tflite")
    graph = load_model(file)
    assert any("float" in note for note in graph.notes) and not graph.counted_only
    (entry,) = graph.inputs
    x = {entry: np.random.default_rng(0).random(graph.tensors[entry].shape).astype(np.float32)}
    oracle = litert.interpreter(file.read_bytes(), "tflite-reference")
    litert.run(oracle, x)
    (expected,) = litert.outputs(oracle).values()
    found = evaluate(graph, x)[graph.outputs[0]]
    assert np.abs(found - expected).max() <= 2.0**-19 * max(1.0, np.abs(expected).max())


def test_a_model_of_dynamic_range_quantization_is_not_executed():
    file = shared_path("data", "models", "mlperf_tiny_kws_ref_model_float32.tflite")
    assert "dynamic-range" in load_model(file).counted_only


def test_depthwise_weights_come_in_output_channel_order(tmp_path):
    model = TinyModel()
    x = model.tensor("x", (1, 5, 4, 2), scale=0.1)
    data = np.arange(2 * 3 * 6, dtype=np.int8).reshape(1, 2, 3, 6)
    w = model.constant("w", data, np.full(6, 0.01), 0, axis=3)
    y = model.tensor("y", (1, 5, 4, 6), scale=0.1)
    model.inputs, model.outputs = [x], [y]
    model.operator(
        "DEPTHWISE_CONV_2D", [x, w], [y], "DepthwiseConv2DOptions", Padding=SAME, StrideH=1,
        StrideW=1, DilationHFactor=1, DilationWFactor=1, DepthMultiplier=3,
        FusedActivationFunction=RELU6,
    )  # fmt: skip
    graph = read(model, tmp_path)
    weights, node = graph.tensors["w"], graph.nodes[0]
    assert weights.shape == (6, 2, 3, 1)
    assert weights.quantization.axis == 0
    np.testing.assert_array_equal(weights.data[4, :, :, 0], data[0, :, :, 4])
    assert (node.op.groups, node.op.padding) == (2, (0, 1, 1, 1))


def test_every_unsupported_node_is_named_with_its_reason(tmp_path):
    with pytest.raises(UnsupportedModelError) as caught:
        read(chain("COS", "RELU", "SIN"), tmp_path)
    said = str(caught.value)
    assert caught.value.exit_code == 3
    assert "node 0 (COS, 't0')" in said
    assert "node 2 (SIN, 't2')" in said
    assert "RELU" not in said


def test_an_unsupported_type_names_the_tensor(tmp_path):
    model = chain("RELU")
    model.tensors[0].dtype = "int16"
    with pytest.raises(UnsupportedModelError, match="int16"):
        graph = read(model, tmp_path)
        node = graph.nodes[0]
        node.op.bind(*graph.operands(node), profile_named("xnnpack"), kernels("reference"))


def test_repeated_and_empty_names_become_unique(tmp_path):
    model = chain("RELU", "RELU")
    for tensor, name in zip(model.tensors, ["same", "same", ""], strict=True):
        tensor.name = name
    graph = read(model, tmp_path)
    assert list(graph.tensors) == ["same", "same#1", "tensor_2"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.tensors[1], "shape", (3, 2)), r"the file says \(3, 2\)"),
        (lambda m: setattr(m.tensors[0], "scale", -0.1), "positive"),
        (lambda m: setattr(m.tensors[0], "scale", np.nan), "positive"),
        (lambda m: setattr(m.tensors[0], "zero_point", 200), "zero point is outside int8"),
        (lambda m: setattr(m.tensors[0], "scale", [0.1, 0.2, 0.3, 0.4]), "4 scales do not fit"),
        (lambda m: setattr(m.tensors[0], "shape", (2**20, 2**20)), "more than 2 GiB"),
        (lambda m: setattr(m.tensors[0], "shape", (2, 0)), "no elements"),
        (lambda m: setattr(m.tensors[0], "data", np.zeros(5, np.int8)), "the file has 5"),
        (lambda m: setattr(m, "inputs", []), "before it is computed"),
        (lambda m: setattr(m, "outputs", []), "no outputs"),
        (lambda m: m.operators.append(m.operators[0]), "has a value already"),
        (lambda m: m.operators.clear(), "no node computes"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change, message, tmp_path):
    model = chain("RELU")
    change(model)
    with pytest.raises(ModelFileError, match=message):
        read(model, tmp_path)


def test_a_bias_of_the_wrong_length_is_refused(tmp_path):
    model = TinyModel()
    x = model.tensor("x", (1, 4), scale=0.1)
    w = model.constant("w", np.ones((3, 4), np.int8), 0.1)
    b = model.constant("b", np.zeros(2, np.int32), 0.01)
    y = model.tensor("y", (1, 3), scale=0.1)
    model.inputs, model.outputs = [x], [y]
    model.operator("FULLY_CONNECTED", [x, w, b], [y], "FullyConnectedOptions")
    with pytest.raises(ModelFileError, match="bias of 2 elements for 3 channels"):
        read(model, tmp_path)


def test_several_mistakes_are_reported_together(tmp_path):
    model = chain("RELU", "RELU")
    model.tensors[0].scale = -1.0
    model.tensors[2].zero_point = 300
    with pytest.raises(ModelFileError) as caught:
        read(model, tmp_path)
    assert len(caught.value.problems) == 2


def test_a_missing_schema_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(UsageError, match=r"npusim\[tflite\]"):
        read(chain("RELU"), tmp_path)


def test_a_content_decides_over_the_suffix(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(chain("RELU").content())
    assert [node.op.kind for node in load_model(file).nodes] == ["relu"]


def test_stated_shapes_stay_as_they_are(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(chain("RELU").content())
    with pytest.raises(UsageError, match="does not fit input 'x' of shape 2x3"):
        load_model(file, shapes={"x": (4, 3)})
