"""Another batch: the same bits for every sample, or a refusal that names the node."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim.errors import UnsupportedModelError, UsageError
from npusim.frontend import load_model
from npusim.hardware import load_hardware
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.reduce_sum import ReduceSum
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.ops.pairs.add import Add
from npusim.ir.passes.set_batch import with_batch
from npusim.ir.tensor import Tensor
from npusim.models.bundled import INPUT_NAME, bundled_model_path, bundled_samples
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cycles
from tests.support.evaluate import evaluate
from tests.support.graphs import Build
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


def _random_samples(graph: Graph, count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(count)
    found = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        low, high = tensor.format.low, tensor.format.high
        samples = rng.integers(low, high + 1, (count, *tensor.shape[1:]))
        found[name] = samples.astype(tensor.format.dtype)
    return found


def _same_bits(graph: Graph, path: str = "reference") -> None:
    """A batch of four gives what its samples give one by one."""
    samples = _random_samples(graph, 4)
    together = evaluate(with_batch(graph, 4), samples, path=path)
    for at in range(4):
        alone = evaluate(graph, {k: x[at : at + 1] for k, x in samples.items()}, path=path)
        for name in graph.outputs:
            assert np.array_equal(together[name][at : at + 1], alone[name])


def _with_random_weights(graph: Graph) -> Graph:
    rng = np.random.default_rng(0)
    tensors = {
        name: t if t.data is None else replace(
            t, data=rng.integers(-99, 99, t.shape).astype(t.format.dtype)
        )
        for name, t in graph.tensors.items()
    }  # fmt: skip
    return replace(graph, tensors=tensors)


def _residual() -> Graph:
    """Convolutions, an addition, a classifier and a softmax, for one image."""
    build = Build()
    x = build.input(1, 6, 5, 3)
    x = build.conv(x, 8, (3, 3), padding=(1, 1, 1, 1), bias=True)
    x = build.add_node(Add(), x, build.conv(x, 8, (3, 3), padding=(1, 1, 1, 1), groups=8))
    x = build.add_node(Concat(3), x, build.conv(x, 4))
    x = build.add_node(Reshape((1, -1)), x)
    build.add_node(Softmax(), build.fully_connected(x, 10, bias=True))
    return _with_random_weights(build.graph())


def _two_inputs() -> Graph:
    """Two images, one averaged over its pixels, added to each pixel of the other."""
    build = Build()
    x, y = build.input(1, 4, 4, 6), build.input(1, 3, 3, 6)
    build.add_node(Add(), x, build.add_node(Mean((1, 2), True), y))
    return build.graph()


@pytest.mark.parametrize("graph", [_residual(), _two_inputs()], ids=["residual", "two inputs"])
def test_hand_made_graphs_keep_their_bits(graph: Graph) -> None:
    _same_bits(graph)


@pytest.mark.parametrize(
    "name", ["mlperf_tiny_kws_ref_model", "mlperf_tiny_pretrainedResnet_quant",
             "mlperf_tiny_ad01_int8", "mlperf_tiny_vww_96_int8"],
)  # fmt: skip
def test_real_models_keep_their_bits(name: str) -> None:
    _same_bits(load_model(shared_path("data", "models", f"{name}.tflite")), path="numba")


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
@pytest.mark.parametrize(
    "name", ["mlperf_tiny_kws_ref_model", "mlperf_tiny_ad01_int8", "mlperf_tiny_vww_96_int8",
             "mlperf_tiny_pretrainedResnet_quant"],
)  # fmt: skip
def test_a_batch_costs_no_more_than_its_samples_one_by_one(name: str, preset: str) -> None:
    """Weights are fetched once for all samples. (A batch goes through the network layer by layer;
    where one sample's feature maps fit on chip and those of the batch do not, it can cost more.)"""
    graph = load_model(shared_path("data", "models", f"{name}.tflite"))
    hardware = load_hardware(preset)
    alone, together = (
        count(build_program(with_batch(graph, batch), hardware, latency_cycles)).cycles
        for batch in (1, 4)
    )
    assert together <= 1.01 * 4 * alone


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
        (Softmax(axis=0), (2, 3, 4, 5)),
        (Softmax(axis=-4), (2, 3, 4, 5)),
        (L2Normalization(axis=0), (2, 3, 4, 5)),
        (ReduceSum((0,)), (3, 4, 5)),
        (ArgMax((0,), True), (1, 3, 4, 5)),
        (Pad(((1, 0), (0, 0), (0, 0), (0, 0))), (3, 3, 4, 5)),
        (StridedSlice((None,) * 4, (None,) * 4, (-1, 1, 1, 1)), (2, 3, 4, 5)),
        (Transpose((1, 0, 2, 3)), (3, 2, 4, 5)),
    ],
)
def test_what_mixes_samples_is_refused_by_name(op, shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedModelError, match="the node"):
        with_batch(_graph(op, shape), 6)


def _node(op, *shapes: tuple[int, ...], constant: int | None = None) -> Graph:
    """y = op(x0, x1, ...); `constant` is the index of an input that is a constant."""
    tensors = []
    for at, shape in enumerate(shapes):
        data = np.zeros(shape, np.int8) if at == constant else None
        tensors.append(Tensor(f"x{at}", shape, INT8, SCALE, data))
    y = Tensor("y", op.infer_shapes(tensors)[0], INT8, SCALE)
    names = tuple(tensor.name for tensor in tensors)
    node = Node("the node", op, names, ("y",))
    free = tuple(tensor.name for tensor in tensors if tensor.data is None)
    return Graph("g", (node,), {t.name: t for t in (*tensors, y)}, free, ("y",), "onnx")


def test_a_constant_of_the_batch_is_refused_and_one_that_broadcasts_is_not() -> None:
    fixed = _node(Add(), (2, 3), (2, 3), constant=1)
    with pytest.raises(UnsupportedModelError, match=r"'x1' \(2, 3\) is fixed to the batch of 2"):
        with_batch(fixed, 4)
    assert with_batch(_node(Add(), (2, 3), (1, 3), constant=1), 4).tensors["y"].shape == (4, 3)
    assert with_batch(_node(Add(), (2, 3), (3,), constant=1), 4).tensors["y"].shape == (4, 3)


def test_a_batch_that_fits_by_chance_is_refused_too() -> None:
    """[4, 5] + [4, 4, 5] has the shape of a batch of four, but adds samples to other samples."""
    with pytest.raises(UnsupportedModelError, match="axis 0 does not stay"):
        with_batch(_node(Add(), (1, 5), (1, 4, 5)), 4)


def test_samples_are_not_joined() -> None:
    with pytest.raises(UnsupportedModelError, match="axis 0 does not stay"):
        with_batch(_node(Concat(0), (1, 5), (1, 5)), 4)


def test_every_node_that_mixes_samples_is_named() -> None:
    build = Build()
    x = build.input(1, 4, 4, 2)
    left = build.add_node(Reshape((16, 2)), x)
    build.fully_connected(left, 3)
    build.add_node(Softmax(axis=0), build.fully_connected(build.add_node(Reshape((1, -1)), x), 3))
    with pytest.raises(UnsupportedModelError) as caught:
        with_batch(build.graph(), 2)
    assert [p.where for p in caught.value.problems] == ["node 'reshape_0'", "node 'softmax_4'"]


def test_a_layer_table_gets_more_rows() -> None:
    graph = replace(_residual(), weightless=True)
    larger = with_batch(graph, 3)
    assert larger.tensors["in0"].shape == (3, 6, 5, 3)
    assert larger.tensors[graph.outputs[0]].shape == (3, 10)
    assert larger.tensors[graph.nodes[0].inputs[1]] is graph.tensors[graph.nodes[0].inputs[1]]


def test_inputs_need_a_common_batch() -> None:
    graph = _graph(Reshape((2, 60)), (2, 60))
    other = Tensor("z", (3, 4), INT8, SCALE)
    mixed = replace(graph, tensors={**graph.tensors, "z": other}, inputs=("x", "z"))
    with pytest.raises(UnsupportedModelError, match="no common batch"):
        with_batch(mixed, 6)
    with pytest.raises(UsageError, match="0 is not a number of samples"):
        with_batch(graph, 0)
