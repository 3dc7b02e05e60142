"""Weights with output channels first, whatever the operator; what layers read; what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from npusim.api import Model
from npusim.errors import UnsupportedModelError, UsageError
from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.tensor import Tensor
from npusim.models.bundled import bundled_model_path
from npusim.numerics.formats import FP16, FP32
from npusim.quantize.formats import layers
from npusim.quantize.formats.layers import blocks_of, float_weights, layer_inputs

RNG = np.random.default_rng(0)


def _graph(*nodes: tuple[Operator, tuple[int, ...]], shape: tuple[int, ...]) -> Graph:
    """A chain: each operator with random weights of a shape, () for one without weights."""
    tensors = {"x": Tensor("x", shape, FP32)}
    chain, last = [], "x"
    for at, (op, extents) in enumerate(nodes):
        inputs = [last]
        if extents:
            data = RNG.normal(size=extents).astype(np.float32)
            tensors[f"w{at}"] = Tensor(f"w{at}", extents, FP32, data=data)
            inputs.append(f"w{at}")
        [out] = op.infer_shapes([tensors[name] for name in inputs])
        last = f"y{at}"
        tensors[last] = Tensor(last, out, FP32)
        chain.append(Node(f"n{at}", op, tuple(inputs), (last,)))
    return Graph("chain", tuple(chain), tensors, ("x",), (last,), "onnx")


def _with_weights(graph: Graph, name: str, **changes: object) -> Graph:
    changed = dataclasses.replace(graph.tensors[name], **changes)
    return dataclasses.replace(graph, tensors={**graph.tensors, name: changed})


def test_convolutions_and_fully_connected_layers_have_a_row_a_channel() -> None:
    graph = _graph((Conv2D(), (6, 3, 3, 2)), shape=(1, 4, 4, 2))
    [found] = float_weights(graph).weights
    assert found.layer == "n0"
    data = graph.tensors["w0"].data
    assert data is not None and np.array_equal(found.rows, data.reshape(6, 18))
    graph = _graph((FullyConnected(), (5, 8)), shape=(2, 8))
    assert np.array_equal(float_weights(graph).weights[0].rows, graph.tensors["w0"].data)


@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_products_too(transposed: bool) -> None:
    extents = (5, 8) if transposed else (8, 5)
    graph = _graph((MatMul(transpose_b=transposed), extents), shape=(2, 8))
    [found] = float_weights(graph).weights
    data = graph.tensors["w0"].data
    assert data is not None
    assert np.array_equal(found.rows, data if transposed else data.T)


def test_a_constant_on_the_left_has_its_rows_as_channels() -> None:
    tensors = {
        "x": Tensor("x", (8, 3), FP32),
        "w": Tensor("w", (5, 8), FP32, data=RNG.normal(size=(5, 8)).astype(np.float32)),
        "y": Tensor("y", (5, 3), FP32),
    }
    node = Node("n", MatMul(), ("w", "x"), ("y",))
    graph = Graph("left", (node,), tensors, ("x",), ("y",), "onnx")
    assert np.array_equal(float_weights(graph).weights[0].rows, tensors["w"].data)


def test_half_precision_is_float() -> None:
    graph = _graph((FullyConnected(), (5, 8)), shape=(2, 8))
    halves = graph.tensors["w0"].data.astype(np.float16)
    graph = _with_weights(graph, "w0", format=FP16, data=halves)
    assert np.array_equal(float_weights(graph).weights[0].rows, halves)


def test_what_layers_read_is_executed() -> None:
    graph = _graph(
        (FullyConnected(), (5, 8)), (Relu(), ()), (FullyConnected(), (3, 5)), shape=(2, 8)
    )
    x = RNG.normal(size=(6, 8)).astype(np.float32)
    found = layer_inputs(Model(graph), {"x": x})
    assert list(found) == ["n0", "n2"]
    assert np.array_equal(found["n0"], x.reshape(-1))
    hidden = np.maximum(x @ graph.tensors["w0"].data.T, 0)
    assert found["n2"] == pytest.approx(hidden.reshape(-1), rel=1e-5, abs=1e-6)


def test_of_many_values_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MOST_VALUES", 12)
    graph = _graph((FullyConnected(), (5, 8)), shape=(2, 8))
    x = np.arange(48, dtype=np.float32).reshape(6, 8)
    found = layer_inputs(Model(graph), {"x": x})["n0"]
    assert found.size == 12 and np.unique(found).size == 12
    assert np.isin(found, x).all() and (np.diff(found.reshape(3, 4).mean(axis=1)) > 0).all()
    assert np.array_equal(found, layer_inputs(Model(graph), {"x": x})["n0"])


def test_blocks_end_with_zeros() -> None:
    cut = blocks_of(np.arange(1.0, 11.0).reshape(2, 5), 3)
    assert cut.tolist() == [[1, 2, 3], [4, 5, 0], [6, 7, 8], [9, 10, 0]]


def test_quantized_weights_say_nothing() -> None:
    from npusim.api import load_model

    with pytest.raises(UnsupportedModelError, match=r"quantized already.*stem") as caught:
        float_weights(load_model(bundled_model_path()).graph)
    assert "5 more" in str(caught.value)


def test_models_without_weights_are_refused() -> None:
    graph = _graph((Relu(), ()), shape=(2, 8))
    with pytest.raises(UnsupportedModelError, match="no convolution"):
        float_weights(graph)
    with pytest.raises(UnsupportedModelError, match="layer table"):
        float_weights(dataclasses.replace(graph, weightless=True))


def test_weights_that_are_no_numbers_are_refused_together() -> None:
    graph = _graph((FullyConnected(), (5, 8)), (FullyConnected(), (3, 5)), shape=(2, 8))
    for name, value in (("w0", np.nan), ("w1", np.inf)):
        data = np.array(graph.tensors[name].data)
        data[0, 0] = value
        graph = _with_weights(graph, name, data=data)
    with pytest.raises(UsageError) as caught:
        float_weights(graph)
    assert [each.where for each in caught.value.problems] == ["node 'n0'", "node 'n1'"]


def test_activations_that_are_no_numbers_are_refused() -> None:
    graph = _graph((FullyConnected(), (5, 8)), (FullyConnected(), (3, 5)), shape=(2, 8))
    graph = _with_weights(graph, "w0", data=np.full((5, 8), 1e38, np.float32))
    with pytest.raises(UsageError, match=r"'n1'.*not finite"):
        layer_inputs(Model(graph), {"x": np.full((2, 8), 1e38, np.float32)})
    with pytest.raises(UsageError, match=r"'x'.*not finite"):
        layer_inputs(Model(graph), {"x": np.full((2, 8), np.nan, np.float32)})
