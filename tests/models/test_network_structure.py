"""Digest and tally of a graph: what changes them and what does not."""

from __future__ import annotations

from npusim.models.builder import Builder
from npusim.models.catalog import network
from npusim.models.functions import RELU
from npusim.models.structure import kind_of, layer_kinds, macs_of, total_macs


def digest_of(channels: int = 8, taps: int = 3, relu: bool = False, name: str = "net") -> str:
    build = Builder(name)
    x = build.input("x", 1, 8, 8, 4)
    y = build.conv(x, "y", channels, taps, activation=RELU) if relu else \
        build.conv(x, "y", channels, taps)  # fmt: skip
    return build.graph(y).sha256


def test_digest_sees_shapes_attributes_and_names() -> None:
    found = {
        digest_of(), digest_of(channels=9), digest_of(taps=1), digest_of(relu=True),
        digest_of(name="other"),
    }  # fmt: skip
    assert len(found) == 5
    assert digest_of() == digest_of()


def test_kinds_add_up() -> None:
    graph = network("mobilenet-v2").build()
    kinds = layer_kinds(graph)
    assert sum(kind.layers for kind in kinds) == len(graph.nodes)
    assert sum(kind.macs for kind in kinds) == total_macs(graph)
    assert sum(kind.parameters for kind in kinds) == graph.parameters
    assert [kind.kind for kind in kinds][:2] == ["conv2d", "depthwise_conv2d"]


def test_a_depthwise_convolution_is_a_kind_of_its_own() -> None:
    build = Builder("net")
    x = build.input("x", 1, 4, 4, 6)
    build.depthwise(x, "depthwise")
    build.conv(x, "grouped", 6, groups=2)
    y = build.conv(x, "dense", 6)
    graph = build.graph(y)
    kinds = {node.name: kind_of(graph, node) for node in graph.nodes}
    assert kinds == {"depthwise": "depthwise_conv2d", "grouped": "conv2d", "dense": "conv2d"}
    macs = {node.name: macs_of(graph, node) for node in graph.nodes}
    assert macs == {"depthwise": 16 * 6 * 9, "grouped": 16 * 6 * 3, "dense": 16 * 36}


def test_a_shared_constant_counts_once() -> None:
    build = Builder("net")
    x = build.input("x", 1, 4, 5)
    learned = build.constant("learned", 1, 4, 5)
    y = build.add(build.add(x, learned, "first"), learned, "second")
    graph = build.graph(y)
    assert [kind.parameters for kind in layer_kinds(graph)] == [20]
