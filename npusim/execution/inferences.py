"""Arrays with the rows of many inferences, cut into one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from npusim.ir.graph import Graph


def inferences(graph: Graph, inputs: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """`inputs` cut into inferences along axis 0; what does not fit, the executor refuses."""
    if len(graph.inputs) == 1 and len(inputs) == 1:
        inputs = {graph.inputs[0]: next(iter(inputs.values()))}
    arrays = {name: np.asarray(array) for name, array in inputs.items()}
    counts = {_count(graph, name, array) for name, array in arrays.items()}
    many = counts.pop() if len(counts) == 1 else 1
    if many == 1:
        yield arrays
        return
    for at in range(many):
        yield {
            name: array[at * array.shape[0] // many : (at + 1) * array.shape[0] // many]
            for name, array in arrays.items()
        }


def _count(graph: Graph, name: str, array: np.ndarray) -> int:
    """How many inferences the rows of one array are; 1 if its shape is not a multiple."""
    shape = graph.tensors[name].shape if name in graph.inputs else ()
    rows = array.shape[0] if array.ndim else 0
    if not shape or array.ndim != len(shape) or array.shape[1:] != shape[1:]:
        return 1
    return rows // shape[0] if rows and shape[0] and rows % shape[0] == 0 else 1
