"""What gets a precision of its own: a layer with weights, and what follows it without any.

Additions, pooling and activations between two layers take the activations of the layer before them
(the last one, where branches meet), so that little is converted where nothing is multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from npusim.ir.graph import Graph
from npusim.quantize.placement import computes, has_constant_weights
from npusim.quantize.scheme import Activations, LayerFormats, Scheme, Weights

REST = LayerFormats(Weights("fp16"), Activations("fp16"))
"""Formats of what is not chosen for. Float32 would not stay so between quantized layers: ONNX
Runtime quantizes the weights of such a layer, and the reader of models does as it does."""


@dataclass(frozen=True)
class Unit:
    """A layer with weights by the name of its node, and the nodes that follow it."""

    name: str
    followers: tuple[str, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes of the unit."""
        return (self.name, *self.followers)


def units_of(graph: Graph) -> tuple[Unit, ...]:
    """Units of the float `graph`, in order; nodes before the first one belong to it."""
    owner: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    orphans: list[str] = []
    for node in graph.nodes:
        before = [owner[name] for name in node.inputs if name in owner]
        first = max(before, key=list(members).index, default=None)
        if computes(graph, node) and has_constant_weights(graph, node):
            first = node.name
            members[first] = []
        elif computes(graph, node):
            (orphans if first is None else members[first]).append(node.name)
        if first is not None:
            owner.update(dict.fromkeys(node.outputs, first))
    units = [Unit(name, tuple(followers)) for name, followers in members.items()]
    if orphans and units:
        units[0] = Unit(units[0].name, (*units[0].followers, *orphans))
    return tuple(units)


def scheme_of(units: Sequence[Unit], formats: Sequence[LayerFormats]) -> Scheme:
    """The scheme that gives each unit its formats, and REST to what is in none of them."""
    layers = {
        name: chosen for unit, chosen in zip(units, formats, strict=True) for name in unit.nodes
    }
    return Scheme(REST.weights, REST.activations, layers)
