"""Another batch: the same bits for every sample, or a refusal that names the node."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim.errors import UnsupportedModelError, UsageError
from npusim.frontend import load_model
from npusim.ir.graph import Graph, Node, Tensor
from npusim.ir.ops.mean import Mean
from npusim.ir.ops.reshape import Reshape
from npusim.ir.passes.batch import with_batch
from npusim.models.bundled import INPUT_NAME, bundled_model_path, bundled_samples
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization
from tests.support.evaluate import evaluate
from tests.support.shared import shared_path

SCALE = Quantization.per_tensor(0.5)


def _graph(op, shape: tuple[int, ...]) -> Graph:
    """y = op(x) with x [2, 3, 4, 5]."""
    x = Tensor("x", (2, 3, 4, 5), INT8, SCALE)
    y = Tensor("y", shape, INT8, SCALE)
    node = Node("the node", op, ("x",), ("y",))
    return Graph("g", (node,), {"x": x, "y": y}, ("x",), ("y",), "onnx")


def test_every_sample_of_a_batch_has_the_bits_it_has_alone() -> None:
    graph = load_model(bundled_model_path())
    images = bundled_samples().inputs[INPUT_NAME][:5]
    together = evaluate(with_batch(graph, 5), {INPUT_NAME: images})["logits"]
    alone = [evaluate(graph, {INPUT_NAME: image[None]})["logits"] for image in images]
    assert np.array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize(
    "name", ["mlperf_tiny_kws_ref_model", "mlperf_tiny_pretrainedResnet_quant",
             "mlperf_tiny_ad01_int8", "tf2_mobilenet_v2_1.0_224_ptq"],
)  # fmt: skip
def test_real_models_take_any_batch(name: str) -> None:
    graph = load_model(shared_path("data", "models", f"{name}.tflite"))
    larger = with_batch(graph, 7)
    for node in larger.nodes:
        for tensor in (larger.tensors[name] for name in node.outputs):
            assert tensor.shape == (7, *graph.tensors[tensor.name].shape[1:])
    assert with_batch(larger, 1).tensors.keys() == graph.tensors.keys()
    assert all(graph.tensors[n].shape == t.shape for n, t in with_batch(larger, 1).tensors.items())


def test_the_same_batch_is_the_same_graph() -> None:
    graph = _graph(Reshape((2, 60)), (2, 60))
    assert with_batch(graph, 2) is graph


def test_a_reshape_follows() -> None:
    for shape in ((2, 60), (-1, 60)):
        larger = with_batch(_graph(Reshape(shape), (2, 60)), 6)
        assert larger.tensors["y"].shape == (6, 60)


@pytest.mark.parametrize(
    ("op", "shape"),
    [
        (Reshape((3, 2, 20)), (3, 2, 20)),
        (Reshape((8, 15)), (8, 15)),
        (Mean((0,), True), (1, 3, 4, 5)),
    ],
)
def test_what_mixes_samples_is_refused_by_name(op, shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedModelError, match="the node"):
        with_batch(_graph(op, shape), 6)


def test_inputs_need_a_common_batch() -> None:
    graph = _graph(Reshape((2, 60)), (2, 60))
    other = Tensor("z", (3, 4), INT8, SCALE)
    mixed = replace(graph, tensors={**graph.tensors, "z": other}, inputs=("x", "z"))
    with pytest.raises(UsageError, match="no common batch"):
        with_batch(mixed, 6)
    with pytest.raises(UsageError, match="0 is not a number of samples"):
        with_batch(graph, 0)
