"""A quantization after movements moves before them, and meets the operator that it belongs to."""

from __future__ import annotations

import pytest

from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.passes.fuse_quantization import fuse_quantization
from npusim.ir.passes.hoist_quantization import hoist_quantization
from tests.support.pass_graphs import Graphs, shown


def _mean_then(g: Graphs, value: float | None) -> None:
    g.stored("x", (2, 3, 4), 0.5)
    g.node(Dequantize(), ["x"], "real")
    g.node(Mean((2,)), ["real"], "mean")
    g.node(Pad(((0, 1), (0, 0)), value), ["mean"], "padded")
    g.node(Reshape((9,)), ["padded"], "flat")
    g.node(Quantize(), ["flat"], "y", scale=0.1, zero=4)


@pytest.mark.parametrize("value", [None, 0.0])
def test_over_a_chain_of_movements(value: float | None) -> None:
    g = Graphs()
    _mean_then(g, value)
    graph = fuse_quantization(hoist_quantization(g.graph("y")))
    assert [kind for kind, _, _ in shown(graph)] == ["mean", "pad", "reshape"]
    mean = graph.tensors[graph.nodes[0].outputs[0]]
    assert mean.quantization.scalar_zero_point == 4 and graph.nodes[1].op.value is None


def test_not_over_a_padding_with_another_value() -> None:
    g = Graphs()
    _mean_then(g, 1.0)
    graph = hoist_quantization(g.graph("y"))
    assert [kind for kind, _, _ in shown(graph)] == [
        "dequantize", "mean", "pad", "quantize", "reshape",
    ]  # fmt: skip


def test_not_past_a_tensor_that_others_read() -> None:
    g = Graphs()
    _mean_then(g, None)
    graph = hoist_quantization(g.graph("y", "padded"))
    kinds = ["dequantize", "mean", "pad", "reshape", "quantize"]
    assert [kind for kind, _, _ in shown(graph)] == kinds


def test_between_movements_of_stored_integers_no_name_is_used_twice() -> None:
    g = Graphs()
    g.stored("x", (2, 3, 4), 0.5)
    g.node(Dequantize(), ["x"], "real")
    g.node(Reshape((6, 4)), ["real"], "first")
    g.node(Reshape((24,)), ["first"], "second")
    g.node(Quantize(), ["second"], "y", scale=0.1, zero=4)
    graph = fuse_quantization(hoist_quantization(g.graph("y")))
    written = [name for node in graph.nodes for name in node.outputs]
    assert len(written) == len(set(written))
    assert [kind for kind, _, _ in shown(graph)] == ["reshape", "requantize", "reshape"]
    for node in graph.nodes:
        ins, outs = graph.operands(node)
        if node.op.moves:
            assert outs[0].quantization.same_as(ins[0].quantization)
