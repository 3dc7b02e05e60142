"""The same graph for another batch: axis 0 of every input, and of all that is computed from it.

The extents of everything else stay. A graph in which the batch does not stay on axis 0 is refused,
node by node.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.errors import Problem, UnsupportedModelError, UsageError
from npusim.ir.graph import Graph, Node, Tensor
from npusim.ir.operator import Operator
from npusim.ir.ops.reshape import Reshape


def with_batch(graph: Graph, batch: int) -> Graph:
    """`graph` for inputs of `batch` samples.

    Raises UsageError for a batch below 1 or inputs that have none; UnsupportedModelError where a
    node mixes samples.
    """
    if batch < 1:
        raise UsageError(Problem("--batch", f"{batch} is not a number of samples, 1 or more"))
    before = _batch_of(graph)
    if batch == before:
        return graph
    tensors = dict(graph.tensors)
    for name in graph.inputs:
        tensors[name] = _extended(tensors[name], batch)
    nodes, problems = [], []
    for node in graph.nodes:
        try:
            changed = _extended_node(node, graph, tensors, before, batch)
        except ValueError as error:
            problems.append(Problem(f"node '{node.name}'", f"no batch of {batch}: {error}"))
            break
        nodes.append(changed)
    if problems:
        raise UnsupportedModelError(problems)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _batch_of(graph: Graph) -> int:
    """The batch that the inputs have now."""
    found = {graph.tensors[name].shape[:1] for name in graph.inputs}
    if len(found) != 1 or not all(found):
        shapes = ", ".join(f"'{name}' {graph.tensors[name].shape}" for name in graph.inputs)
        what = f"the inputs have no common batch on axis 0: {shapes or 'there are none'}"
        raise UsageError(Problem("--batch", what))
    return int(next(iter(found))[0])


def _extended(tensor: Tensor, batch: int) -> Tensor:
    return replace(tensor, shape=(batch, *tensor.shape[1:]))


def _extended_node(
    node: Node, graph: Graph, tensors: dict[str, Tensor], before: int, batch: int
) -> Node:
    """The node for the new batch; its outputs are written to `tensors`."""
    ins = [tensors[name] if name else None for name in node.inputs]
    varies = any(x is not None and x.shape != graph.tensors[x.name].shape for x in ins)
    if not varies:
        return node
    op = _extended_operator(node.op, before, batch)
    shapes = op.infer_shapes(ins)
    for name, shape in zip(node.outputs, shapes, strict=True):
        old = graph.tensors[name].shape
        if old[:1] != (before,) or shape != (batch, *old[1:]):
            raise ValueError(f"'{name}' {old} would become {shape}")
        tensors[name] = _extended(graph.tensors[name], batch)
    return replace(node, op=op)


def _extended_operator(op: Operator, before: int, batch: int) -> Operator:
    """A reshape names its target's extents; no other operator names the batch."""
    if isinstance(op, Reshape) and op.shape[:1] == (before,):
        return replace(op, shape=(batch, *op.shape[1:]))
    return op
