"""Layers of the builder: shapes, paddings, scales, and that their sums are as large as expected."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.ir.graph import Graph
from npusim.models.builder import Builder, Value
from npusim.models.functions import GELU, HARD_SIGMOID, HARD_SWISH, NONE, RELU, RELU6, SILU, scaled
from npusim.numerics.quantization import Activation
from tests.support.evaluate import evaluate


def built(name: str = "net", same_padding: bool = False) -> tuple[Builder, Value]:
    """A builder and its input, [1, 15, 16, 8]."""
    build = Builder(name, same_padding)
    return build, build.input("x", 1, 15, 16, 8)


def reals(graph: Graph, output: str) -> np.ndarray:
    """Real values of `output` for integers over the whole range of the inputs."""
    from npusim.api import random_inputs

    quantization = graph.tensors[output].quantization
    found = evaluate(graph, random_inputs(graph))[output].astype(np.float64)
    return (found - quantization.scalar_zero_point) * float(quantization.scalar_scale)


@pytest.mark.parametrize("taps,stride", [(1, 1), (3, 1), (3, 2), (5, 2), ((10, 4), 2)])
def test_same_padding_is_that_of_tensorflow(taps, stride: int) -> None:
    """ceil(extent / stride) outputs, and the odd row and column last."""
    build, x = built(same_padding=True)
    y = build.conv(x, "y", 4, taps, stride)
    assert y.shape == (1, -(-15 // stride), -(-16 // stride), 4)
    top, left, bottom, right = build.graph(y).nodes[0].op.padding
    assert bottom - top in (0, 1) and right - left in (0, 1)


def test_usual_padding_is_symmetric() -> None:
    build, x = built()
    y = build.conv(x, "y", 4, 3, 2)
    assert build.graph(y).nodes[0].op.padding == (1, 1, 1, 1)
    assert y.shape == (1, 8, 8, 4)


@pytest.mark.parametrize("function", [NONE, RELU, RELU6, HARD_SIGMOID, HARD_SWISH, SILU, GELU],
                         ids=lambda one: one.name)  # fmt: skip
def test_sums_are_as_large_as_expected(function) -> None:
    """The rule for the scale of weights, against the integers that come out."""
    build, x = built()
    y = build.conv(x, "y", 64, 3, 1, function, padding=(0, 0, 0, 0))
    found = reals(build.graph(y), y.name)
    assert found.mean() == pytest.approx(y.moments.mean, abs=0.15 * y.moments.std)
    assert found.std() == pytest.approx(y.moments.std, rel=0.15)


def test_attention_is_as_large_as_expected() -> None:
    build = Builder("net")
    x = build.input("x", 1, 64, 96)
    q = build.fully_connected(x, "q", 96, scaled(0.2))
    k = build.transpose(build.fully_connected(x, "k", 96), "k.columns", 0, 2, 1)
    scores = build.matmul(q, k, "scores")
    rows = build.softmax(scores, "rows")
    graph = build.graph(scores, rows)
    assert reals(graph, "scores").std() == pytest.approx(scores.moments.std, rel=0.2)
    sums = reals(graph, "rows").sum(axis=-1)
    assert sums == pytest.approx(np.ones_like(sums), abs=0.15)  # 64 roundings to 1/256


def test_layer_norm_is_as_large_as_expected() -> None:
    build = Builder("net")
    y = build.layer_norm(build.input("x", 1, 32, 256), "y", 1e-5)
    found = reals(build.graph(y), "y")
    assert found.std() == pytest.approx(y.moments.std, rel=0.1)


def test_clamps_ride_on_the_drain_and_tables_follow() -> None:
    build, x = built()
    build.conv(x, "relu", 4, activation=RELU)
    build.conv(x, "swish", 4, activation=HARD_SWISH)
    y = build.conv(x, "silu", 4, activation=SILU)
    nodes = {node.name: node for node in build.graph(y).nodes}
    assert nodes["relu"].op.activation is Activation.RELU
    assert nodes["swish.hard_swish"].inputs == ("swish",)
    assert nodes["silu.silu"].op.kind == "quick_gelu"
    assert nodes["silu.silu"].inputs == ("silu",)
    assert y.name == "silu.silu"


def test_weights_have_a_scale_a_channel_and_the_bias_theirs() -> None:
    build, x = built()
    graph = build.graph(build.conv(x, "y", 6, 3))
    weight, bias = graph.tensors["y.weight"], graph.tensors["y.bias"]
    assert weight.quantization.scale.shape == (6,) and weight.quantization.axis == 0
    assert np.unique(weight.quantization.scale).size == 6
    product = graph.tensors["x"].quantization.scalar_scale * weight.quantization.scale
    assert np.array_equal(bias.quantization.scale, product)
    assert bias.data.dtype == np.int32 and bias.data.any()


def test_what_moves_values_keeps_their_scale() -> None:
    build, x = built()
    build.part(x, "part", -1, 2, 6)
    build.max_pool(x, "pool", 3, 2)
    build.upsample(x, "up", 2)
    build.global_mean(x, "mean")
    y = build.average_pool(x, "average")
    graph = build.graph(y)
    shapes = {name: graph.tensors[name].shape for name in ("part", "pool", "up", "mean", "average")}
    assert shapes == {
        "part": (1, 15, 16, 4),
        "pool": (1, 8, 8, 8),
        "up": (1, 30, 32, 8),
        "mean": (1, 8),
        "average": (1, 1, 1, 8),
    }
    for name in shapes:
        assert graph.tensors[name].quantization.same_as(graph.tensors["x"].quantization)


def test_the_network_and_the_layer_name_the_weights() -> None:
    drawn = []
    for network, layer in (("a", "y"), ("a", "y"), ("a", "z"), ("b", "y")):
        build, x = built(network)
        graph = build.graph(build.conv(x, layer, 4))
        drawn.append(graph.tensors[f"{layer}.weight"].data.tobytes())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_two_layers_of_one_name_are_a_mistake() -> None:
    build, x = built()
    build.conv(x, "y", 4)
    with pytest.raises(ValueError, match="two layers of net are called 'y'"):
        build.conv(x, "y", 4)
