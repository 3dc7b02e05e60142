"""Q/DQ fusion: what becomes integer, what commutes with dequantization, what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.graph import Graph
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.passes.fuse_quantization import fuse_quantization
from npusim.numerics.formats import INT8, INT32
from tests.support.pass_graphs import Graphs, shown


def _sum(g: Graphs) -> str:
    for name in ("a", "b"):
        g.stored(name, (2, 3), 0.5)
        g.node(Dequantize(), [name], f"{name}_real")
    return g.node(Add(), ["a_real", "b_real"], "sum")


def test_a_sum_between_dequantizations_and_a_quantization_is_fused() -> None:
    g = Graphs()
    _sum(g)
    g.node(Quantize(), ["sum"], "y", scale=0.7)
    graph = fuse_quantization(g.graph("y"))
    assert shown(graph) == [("add", ("a", "b"), "y")]
    assert set(graph.tensors) == {"a", "b", "y"}


def test_a_sum_whose_real_value_is_an_output_stays() -> None:
    g = Graphs()
    _sum(g)
    g.node(Quantize(), ["sum"], "y", scale=0.7)
    graph = fuse_quantization(g.graph("y", "sum"))
    assert [kind for kind, _, _ in shown(graph)] == ["dequantize", "dequantize", "add", "quantize"]


def test_a_sum_with_a_real_operand_stays() -> None:
    g = Graphs()
    g.stored("a", (2, 3), 0.5)
    g.node(Dequantize(), ["a"], "a_real")
    g.input("b", (2, 3))
    g.node(Add(), ["a_real", "b"], "sum")
    g.node(Quantize(), ["sum"], "y", scale=0.7)
    kinds = [kind for kind, _, _ in shown(fuse_quantization(g.graph("y")))]
    assert kinds == ["dequantize", "add", "quantize"]


@pytest.mark.parametrize("stored", [True, False])
def test_weights_must_be_stored_integers(stored: bool) -> None:
    g = Graphs()
    g.stored("x", (2, 3), 0.5)
    g.node(Dequantize(), ["x"], "x_real")
    if stored:
        g.constant("w", np.ones((4, 3)), INT8, 0.1)
        g.constant("bias", np.zeros(4), INT32)
    else:
        g.constant("w", np.ones((4, 3)))
        g.constant("bias", np.zeros(4))
    g.node(FullyConnected(), ["x_real", "w", "bias"], "product")
    g.node(Quantize(), ["product"], "y", scale=0.7)
    fused = shown(fuse_quantization(g.graph("y")))
    assert (fused == [("fully_connected", ("x", "w", "bias"), "y")]) == stored


def test_a_movement_is_carried_over_a_dequantization_without_a_quantization() -> None:
    g = Graphs()
    g.stored("x", (2, 3), 0.5, 7)
    g.node(Dequantize(), ["x"], "real")
    g.node(Reshape((6,)), ["real"], "y")
    graph = fuse_quantization(g.graph("y"))
    assert shown(graph) == [
        ("reshape", ("x",), "y_stored"),
        ("dequantize", ("y_stored",), "y"),
    ]
    assert graph.tensors["y_stored"].quantization.scalar_zero_point == 7


def test_a_movement_into_another_scale_is_requantized() -> None:
    g = Graphs()
    g.stored("x", (2, 3), 0.5)
    g.node(Dequantize(), ["x"], "real")
    g.node(Reshape((6,)), ["real"], "moved")
    g.node(Quantize(), ["moved"], "y", scale=0.7)
    assert shown(fuse_quantization(g.graph("y"))) == [
        ("reshape", ("x",), "moved_stored"),
        ("requantize", ("moved_stored",), "y"),
    ]


@pytest.mark.parametrize(("scale", "kind"), [(0.5, "reshape"), (0.6, "requantize")])
def test_a_dequantization_straight_into_a_quantization(scale: float, kind: str) -> None:
    g = Graphs()
    g.stored("x", (2, 3), 0.5)
    g.node(Dequantize(), ["x"], "real")
    g.node(Quantize(), ["real"], "y", scale=scale)
    assert shown(fuse_quantization(g.graph("y"))) == [(kind, ("x",), "y")]


@pytest.mark.parametrize(("value", "stored"), [(0.0, 7), (1.5, 10), (0.7, 8), (1e9, 255)])
def test_a_padding_between_equal_scales_has_its_value_quantized(value: float, stored: int) -> None:
    graph = fuse_quantization(_padded(value, 0.5))
    assert shown(graph) == [("pad", ("x",), "y")] and graph.nodes[0].op.value == stored


@pytest.mark.parametrize(("value", "stored"), [(0.0, 7), (1.5, 10), (0.7, None), (1e9, None)])
def test_a_padding_before_another_scale_is_carried_over_only_if_its_value_is_a_stored_one(
    value: float, stored: int | None
) -> None:  # fmt: skip
    graph = fuse_quantization(_padded(value, 0.6))
    kinds = [kind for kind, _, _ in shown(graph)]
    if stored is None:
        assert kinds == ["dequantize", "pad", "quantize"]
    else:
        assert kinds == ["pad", "requantize"] and graph.nodes[0].op.value == stored


def _padded(value: float, scale: float) -> Graph:
    """x of scale 0.5, padded with a real value, quantized with `scale`."""
    g = Graphs()
    g.stored("x", (2, 3), 0.5, 7)
    g.node(Dequantize(), ["x"], "real")
    g.node(Pad(((1, 0), (0, 2)), value), ["real"], "padded")
    g.node(Quantize(), ["padded"], "y", scale=scale, zero=7)
    return g.graph("y")
