"""Random inputs for a model: any values that it can be given."""

from __future__ import annotations

from typing import Any

import numpy as np

from npusim.ir.graph import Graph
from npusim.ir.ops.movements.gather import Gather
from npusim.numerics.formats import INT32, INT64


def random_inputs(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs of the model's own shapes and dtypes: integers over their whole range, floats in 0..1.

    Integers that a gather takes as indices stay within its table. The same seed gives the same
    arrays.
    """
    rng = np.random.default_rng(seed)
    arrays = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        fmt = tensor.format
        if fmt.is_integer:
            low, high = _drawn_range(graph, name)
            drawn: Any = rng.integers(low, high, tensor.shape, np.int64, endpoint=True)
        else:
            drawn = rng.random(tensor.shape)
        arrays[name] = drawn.astype(fmt.dtype)
    return arrays


def _drawn_range(graph: Graph, name: str) -> tuple[int, int]:
    """Least and greatest integer of an input; it may lead to indices, which name elements."""
    low, high = graph.tensors[name].format.low, graph.tensors[name].format.high
    reached = {name}
    for node in graph.nodes:
        if isinstance(node.op, Gather) and node.inputs[1] in reached:
            extent = graph.tensors[node.inputs[0]].shape[node.op.axis]
            low, high = 0, min(high, extent - 1)
        if reached.intersection(node.inputs):
            reached |= {n for n in node.outputs if graph.tensors[n].format in (INT32, INT64)}
    return low, high
