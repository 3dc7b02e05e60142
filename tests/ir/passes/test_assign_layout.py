"""Which tensors of an ONNX graph have axis 1 innermost in memory."""

from __future__ import annotations

import numpy as np

from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.passes.assign_layout import assign_layout
from tests.support.pass_graphs import Graphs


def _axes(g: Graphs, *outputs: str) -> dict[str, int]:
    graph = assign_layout(g.graph(*outputs))
    return {name: tensor.channel_axis for name, tensor in graph.tensors.items()}


def test_images_reach_through_elementwise_operators_in_both_directions() -> None:
    g = Graphs()
    g.input("x", (1, 3, 5, 5))
    g.input("side", (1, 4, 5, 5))
    g.constant("w", np.ones((4, 1, 1, 3)))
    g.node(Relu(), ["x"], "r")
    g.node(Conv2D(channel_axis=1), ["r", "w"], "c")
    g.node(Add(), ["c", "side"], "s")
    g.node(Reshape((1, 100)), ["s"], "flat")
    axes = _axes(g, "flat")
    assert {axes[name] for name in ("x", "side", "r", "c", "s")} == {1}
    assert axes["flat"] == -1 and axes["w"] == -1


def test_matrices_of_rank_four_keep_their_last_axis() -> None:
    g = Graphs()
    g.input("a", (1, 2, 3, 4))
    g.input("b", (1, 2, 4, 5))
    g.node(MatMul(), ["a", "b"], "m")
    g.node(Relu(), ["m"], "y")
    assert set(_axes(g, "y").values()) == {-1}


def test_signals_of_rank_three_and_global_pooling() -> None:
    g = Graphs()
    g.input("x", (1, 3, 50))
    g.constant("w", np.ones((4, 1, 5, 3)))
    g.node(Conv2D(channel_axis=1), ["x", "w"], "c")
    g.node(Mean((2,), keep_dims=True, global_pool=True), ["c"], "p")
    g.node(Mean((2,)), ["c"], "flat")
    axes = _axes(g, "p", "flat")
    assert (axes["x"], axes["c"], axes["p"], axes["flat"]) == (1, 1, 1, -1)
