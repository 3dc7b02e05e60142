"""Runs a graph layer at once, without a Program: what tile-by-tile execution is compared with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from npusim.execution.layer import run_layer
from npusim.ir.graph import Graph
from npusim.ir.ops.narrow_floats import bind_operator
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named


def evaluate(
    graph: Graph,
    inputs: Mapping[str, np.ndarray],
    profile: str | None = None,
    path: str = "reference",
) -> dict[str, np.ndarray]:
    """All tensors of `graph` for `inputs`, one kernel call a node.

    `inputs` may hold values of states too; the others are as before the first inference.
    """
    values = {tensor.name: tensor.data for tensor in graph.constants()}
    values.update((state.read, state.initial) for state in graph.states)
    values.update(inputs)
    chosen = profile_named(profile or graph.profile)
    table = kernels(path)
    for node in graph.nodes:
        ins, outs = graph.operands(node)
        arrays = [values[name] if name else None for name in node.inputs]
        for out in outs:
            values[out.name] = empty_like_memory(out.shape, out.format.dtype, out.channel_axis)
        results = [values[name] for name in node.outputs]
        kernel = bind_operator(node.op, ins, outs, chosen, table)
        run_layer(kernel, node.op.loop_nest(ins, outs).whole, arrays, results)
    return values
