"""A clamp on the grid of a product becomes the product's own; any other clamp stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim import api
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.passes.fold_stored_activation import fold_stored_activation
from npusim.models.bundled import bundled_calibration
from npusim.numerics.quantization import Activation
from npusim.quantize import Reference, calibrate, prepared, quantized_graph
from npusim.quantize.scheme import Scheme, parse_activations


def quantized() -> Graph:
    graph = prepared("digits-float")
    few = {name: array[:4] for name, array in bundled_calibration().items()}
    seen = calibrate(graph, list(api.inferences(graph, few)))
    return quantized_graph(graph, Scheme(activations=parse_activations("int8")), seen)


def unfolded(graph: Graph, factor: float = 1.0) -> Graph:
    """The clamp of `stem` as a node, whose input's scale is `factor` times that of its output."""
    nodes, tensors = [], dict(graph.tensors)
    for node in graph.nodes:
        if node.name == "stem":
            out = tensors[node.outputs[0]]
            assert out.quantization is not None
            grid = replace(out.quantization, scale=out.quantization.scale * np.float32(factor))
            tensors["sums"] = replace(out, name="sums", quantization=grid)
            op = replace(node.op, activation=Activation.NONE)
            nodes.append(replace(node, op=op, outputs=("sums",)))
            nodes.append(Node("clamp", Relu(Activation.RELU), ("sums",), node.outputs))
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def test_it_computes_the_same() -> None:
    graph = quantized()
    apart = unfolded(graph)
    folded = fold_stored_activation(apart)
    assert [node.name for node in folded.nodes] == [node.name for node in graph.nodes]
    drawn = [api.random_inputs(graph, seed) for seed in range(3)]
    outputs = [Reference(each, drawn).outputs["logits"] for each in (apart, folded)]
    assert np.array_equal(*outputs)


def test_clamps_that_rescale_stay() -> None:
    apart = unfolded(quantized(), 0.5)
    assert len(fold_stored_activation(apart).nodes) == len(apart.nodes)
