"""Folding of activations, paddings, and products and sums per channel; removal of dead nodes."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.passes.fold_activation import fold_activation
from npusim.ir.passes.fold_pad import fold_pad
from npusim.ir.passes.fold_scale_shift import fold_scale_shift
from npusim.ir.passes.remove_dead import remove_dead
from npusim.numerics.quantization import Activation
from tests.support.pass_graphs import Graphs, shown


def _conv(g: Graphs, x: str, output: str, **attributes: object) -> str:
    g.constant("w", np.arange(36, dtype=np.float32).reshape(4, 1, 3, 3)[..., :3])
    return g.node(Conv2D(channel_axis=1, **attributes), [x, "w"], output)


def test_a_clamp_is_folded_into_its_producer() -> None:
    g = Graphs()
    _conv(g, g.input("x", (1, 3, 5, 5)), "c")
    g.node(Relu(Activation.RELU6), ["c"], "y")
    graph = fold_activation(g.graph("y"))
    assert shown(graph) == [("conv2d", ("x", "w"), "y")]
    assert graph.nodes[0].op.activation is Activation.RELU6


def test_a_clamp_stays_if_the_unclamped_value_is_read_too() -> None:
    g = Graphs()
    _conv(g, g.input("x", (1, 3, 5, 5)), "c")
    g.node(Relu(Activation.RELU), ["c"], "y")
    for outputs in (("y", "c"),):
        assert len(fold_activation(g.graph(*outputs)).nodes) == 2
    g.node(Add(), ["c", "y"], "sum")
    assert len(fold_activation(g.graph("sum")).nodes) == 3


def test_only_one_of_two_clamps_is_folded() -> None:
    g = Graphs()
    _conv(g, g.input("x", (1, 3, 5, 5)), "c")
    g.node(Relu(Activation.RELU), ["c"], "r")
    g.node(Relu(Activation.RELU6), ["r"], "y")
    assert [kind for kind, _, _ in shown(fold_activation(g.graph("y")))] == ["conv2d", "relu"]


PADS = {
    "image": (((0, 0), (0, 0), (1, 2), (3, 0)), None, True),
    "channels": (((0, 0), (1, 0), (0, 0), (0, 0)), None, False),
    "batch": (((1, 0), (0, 0), (0, 0), (0, 0)), None, False),
    "another value": (((0, 0), (0, 0), (1, 2), (3, 0)), 1.0, False),
}


@pytest.mark.parametrize("case", PADS)
def test_a_padding_with_zeros_around_the_image_is_folded(case: str) -> None:
    padding, value, folded = PADS[case]
    g = Graphs()
    g.input("x", (1, 2 if case == "channels" else 3, 5, 5))
    g.node(Pad(padding, value), ["x"], "p")
    _conv(g, "p", "y", padding=(1, 1, 1, 1))
    graph = fold_pad(g.graph("y"))
    assert [kind for kind, _, _ in shown(graph)] == (["conv2d"] if folded else ["pad", "conv2d"])
    if folded:
        assert graph.nodes[0].op.padding == (2, 4, 3, 1)
        inputs, outputs = graph.operands(graph.nodes[0])
        assert graph.nodes[0].op.infer_shapes(inputs) == [outputs[0].shape]


def test_paddings_in_a_row_are_folded_one_after_the_other() -> None:
    g = Graphs()
    g.input("x", (1, 3, 9, 9))
    g.node(Pad(((0, 0), (0, 0), (1, 1), (1, 1))), ["x"], "p")
    _conv(g, "p", "c")
    g.node(Pad(((0, 0), (0, 0), (0, 2), (0, 0))), ["c"], "q")
    g.constant("v", np.ones((2, 1, 1, 4), np.float32))
    g.node(Conv2D(channel_axis=1), ["q", "v"], "y")
    graph = fold_pad(g.graph("y"))
    assert [node.op.padding for node in graph.nodes] == [(1, 1, 1, 1), (0, 0, 2, 0)]


def test_products_and_sums_per_channel_become_weights_and_bias() -> None:
    g = Graphs()
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    g.input("x", (5, 3))
    g.constant("w", weights)
    g.constant("bias", np.array([1.0, 2.0]))
    g.constant("factor", np.array([3.0, 5.0]))
    g.constant("shift", np.array([[10.0, 20.0]]))
    g.node(FullyConnected(), ["x", "w", "bias"], "c")
    g.node(Mul(), ["factor", "c"], "m")
    g.node(Add(), ["m", "shift"], "y")
    graph = fold_scale_shift(g.graph("y"))
    (node,) = graph.nodes
    folded, bias = (graph.tensors[name].data for name in node.inputs[1:])
    assert folded.tolist() == (weights * [[3], [5]]).tolist()
    assert bias.tolist() == [13.0, 30.0] and node.outputs == ("y",)


@pytest.mark.parametrize("shape", [(5, 2), (5, 1)])
def test_a_product_that_is_not_per_channel_stays(shape: tuple[int, ...]) -> None:
    g = Graphs()
    g.input("x", (5, 3))
    g.constant("w", np.ones((2, 3)))
    g.constant("factor", np.ones(shape))
    g.node(FullyConnected(), ["x", "w"], "c")
    g.node(Mul(), ["c", "factor"], "y")
    assert len(fold_scale_shift(g.graph("y")).nodes) == 2


def test_dead_nodes_and_their_tensors_are_removed() -> None:
    g = Graphs()
    g.input("x", (2, 3))
    g.node(Reshape((6,)), ["x"], "dead")
    g.node(Reshape((6, 1)), ["dead"], "dead too")
    g.node(Reshape((3, 2)), ["x"], "y")
    graph = remove_dead(g.graph("y"))
    assert shown(graph) == [("reshape", ("x",), "y")] and set(graph.tensors) == {"x", "y"}
