"""Equalization leaves the network what it is, and evens the ranges of weights out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from npusim import api
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32
from npusim.numerics.quantization import Activation
from npusim.quantize import Reference, calibrate, prepared, quantized_graph, scheme_named
from npusim.quantize.equalization import MARGIN, SIX, equalized
from npusim.quantize.running import Runner

CHANNELS = 8


def chain(activation: Activation, seed: int = 0) -> Graph:
    """Pointwise, depthwise and grouped convolutions whose channels differ by up to 30 times."""
    rng = np.random.default_rng(seed)
    shapes = ((CHANNELS, 1, 1, 3), (CHANNELS, 3, 3, 1), (6, 1, 1, CHANNELS // 2))
    ops = (
        Conv2D(activation=activation),
        Conv2D(padding=(1, 1, 1, 1), groups=CHANNELS, activation=activation),
        Conv2D(groups=2),
    )
    tensors = {"x": Tensor("x", (1, 5, 5, 3), FP32)}
    nodes = []
    for at, (shape, op) in enumerate(zip(shapes, ops, strict=True)):
        spread = np.exp(rng.uniform(-1.7, 1.7, (shape[0], 1, 1, 1)))
        for name, data in ((f"w{at}", rng.normal(size=shape) * spread), (f"b{at}", spread)):
            data = np.ravel(data) if name.startswith("b") else data
            tensors[name] = Tensor(name, data.shape, FP32, None, data.astype(np.float32))
        tensors[f"y{at}"] = Tensor(f"y{at}", (1, 5, 5, shape[0]), FP32)
        before = "x" if at == 0 else f"y{at - 1}"
        nodes.append(Node(f"n{at}", op, (before, f"w{at}", f"b{at}"), (f"y{at}",)))
    return Graph("chain", tuple(nodes), tensors, ("x",), ("y2",), "onnx")


def samples(count: int, size: float = 1.0) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(3)
    drawn = rng.uniform(-size, size, (count, 1, 5, 5, 3)).astype(np.float32)
    return [{"x": each} for each in drawn]


@pytest.mark.parametrize("activation", [Activation.NONE, Activation.RELU])
@pytest.mark.parametrize("seed", range(4))
def test_the_function_stays_the_same(activation: Activation, seed: int) -> None:
    graph = chain(activation, seed)
    made = equalized(graph, [])
    assert made.pairs == 2 and made.behind_relu6 == 0
    assert Reference(graph, samples(5, 100.0)).sqnr_db(made.graph) > 120


def test_neighbours_get_the_same_ranges() -> None:
    made = equalized(chain(Activation.RELU), []).graph
    first, second = (made.tensors[name].data for name in ("w0", "w1"))
    assert first is not None and second is not None
    before, after = (np.abs(w).reshape(CHANNELS, -1).max(axis=1) for w in (first, second))
    assert before == pytest.approx(after, rel=0.01)


def test_a_relu6_keeps_its_meaning_on_what_was_seen() -> None:
    graph, seen = chain(Activation.RELU6), samples(6)
    made = equalized(graph, seen)
    assert made.behind_relu6 == 2
    assert Reference(graph, seen).sqnr_db(made.graph) > 120
    assert not np.array_equal(made.graph.tensors["w0"].data, graph.tensors["w0"].data)


def test_channels_near_six_keep_their_scale() -> None:
    graph, seen = chain(Activation.RELU6), samples(6, 50.0)
    peaks = np.zeros(CHANNELS)
    for sample in seen:
        found = dict(Runner(graph).values(sample))["y0"]
        peaks = np.maximum(peaks, found.max(axis=(0, 1, 2)))
    near = peaks * MARGIN >= SIX
    before, after = graph.tensors["w0"].data, equalized(graph, seen).graph.tensors["w0"].data
    assert before is not None and after is not None and near.any()
    assert np.array_equal(before[near], after[near])


def test_pruned_channels_are_left_alone() -> None:
    graph = chain(Activation.RELU)
    weights = graph.tensors["w0"]
    assert weights.data is not None
    data = weights.data.copy()
    data[2] = 0
    graph = replace(graph, tensors={**graph.tensors, "w0": replace(weights, data=data)})
    made = equalized(graph, []).graph
    assert all(np.isfinite(t.data).all() for t in made.constants() if t.data is not None)
    assert Reference(graph, samples(3)).sqnr_db(made) > 120


def test_one_scale_for_all_channels_loses_less_after_it() -> None:
    graph, seen = chain(Activation.RELU), samples(20)
    reference, scheme = Reference(graph, seen), scheme_named("w8a8-per-tensor")
    found = [
        reference.sqnr_db(quantized_graph(each, scheme, calibrate(each, seen)))
        for each in (graph, equalized(graph, []).graph)
    ]
    assert found[1] > found[0] + 1


def test_the_bundled_network_has_three_pairs() -> None:
    graph = prepared("digits-float")
    assert equalized(graph, []).pairs == 3
    drawn = [api.random_inputs(graph, seed) for seed in range(3)]
    assert Reference(graph, drawn).sqnr_db(equalized(graph, []).graph) > 120
