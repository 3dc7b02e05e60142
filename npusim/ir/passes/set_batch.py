"""The same graph for another batch: axis 0 of every input, and of all that is computed from it.

The extents of everything else stay. A graph in which the batch does not stay on axis 0 is refused,
node by node. Shapes alone tell which graphs these are if the batch equals no other extent: so they
are inferred for a large prime first, and nothing fits by chance. Only an operator along axis 0 that
keeps the shape, a softmax, a normalization or a slice backwards, has to be looked at.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.errors import Problem, UnsupportedModelError, UsageError
from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.tensor import Tensor

_TELLTALE = 1_000_003
"""A prime that no extent of a model is likely to have, or to divide."""


def with_batch(graph: Graph, batch: int) -> Graph:
    """`graph` for inputs of `batch` samples; each sample gets the bits that it gets alone.

    The layers of a layer table, which is of one sample, get `batch` times their rows. Raises
    UsageError for a batch below 1; UnsupportedModelError, with every such node, where the inputs
    have no common axis of samples or a node mixes samples.
    """
    if batch < 1:
        raise UsageError(Problem("--batch", f"{batch} is not a number of samples, 1 or more"))
    if graph.weightless:
        return _repeated(graph, batch)
    before = _batch_of(graph)
    if batch == before:
        return graph
    if graph.states:
        what = f"no other batch than {before}: a model that remembers follows one stream of inputs"
        raise UnsupportedModelError(Problem(f"model '{graph.name}'", what))
    _extended(graph, before, _TELLTALE)
    return _extended(graph, before, batch)


def _batch_of(graph: Graph) -> int:
    """The batch that the inputs have now."""
    found = {graph.tensors[name].shape[:1] for name in graph.inputs}
    if len(found) == 1 and (batch := next(iter(found))):
        return int(batch[0])
    shapes = ", ".join(f"'{name}' {graph.tensors[name].shape}" for name in graph.inputs)
    what = f"the inputs have no common batch on axis 0: {shapes or 'there are none'}"
    raise UnsupportedModelError(Problem(f"model '{graph.name}'", what))


def _repeated(graph: Graph, batch: int) -> Graph:
    """A layer table, whose layers are independent, with `batch` times the rows or images."""
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        for name in (*set(node.inputs) & set(graph.inputs), *node.outputs):
            rows, *rest = tensors[name].shape
            tensors[name] = replace(tensors[name], shape=(rows * batch, *rest))
    return replace(graph, tensors=tensors)


def _extended(graph: Graph, before: int, batch: int) -> Graph:
    """Every node and tensor for the new batch; all nodes that can't follow are reported."""
    tensors = dict(graph.tensors)
    varies, unknown = set(graph.inputs), set[str]()
    nodes, problems = [], []
    for name in graph.inputs:
        tensors[name] = _with_samples(tensors[name], batch)
    for node in graph.nodes:
        if unknown & set(node.inputs):
            unknown.update(node.outputs)
        elif varies & set(node.inputs):
            try:
                node = _extended_node(node, graph, tensors, varies, before, batch)
            except ValueError as error:
                problems.append(Problem(f"node '{node.name}'", f"no other batch: {error}"))
                unknown.update(node.outputs)
            varies.update(node.outputs)
        nodes.append(node)
    if problems:
        raise UnsupportedModelError(problems)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _extended_node(
    node: Node, graph: Graph, tensors: dict[str, Tensor], varies: set[str], before: int, batch: int
) -> Node:
    """The node for the new batch; its outputs are written to `tensors`."""
    ins = [tensors[name] if name else None for name in node.inputs]
    op = _extended_operator(node.op, before, batch)
    x = ins[0]
    if (
        isinstance(op, Softmax | L2Normalization)
        and x is not None
        and op.axis in (0, -len(x.shape))
    ):
        raise ValueError(f"{op.kind} along axis 0 mixes samples")
    if isinstance(op, StridedSlice) and op.strides[0] < 0:
        raise ValueError("it turns the order of the samples around")
    try:
        shapes = op.infer_shapes(ins)
    except ValueError as error:
        raise ValueError(_reason(node, graph, varies, before)) from error
    for name, shape in zip(node.outputs, shapes, strict=True):
        old = graph.tensors[name].shape
        if old[:1] != (before,) or shape != (batch, *old[1:]):
            raise ValueError(_reason(node, graph, varies, before))
        tensors[name] = _with_samples(graph.tensors[name], batch)
    return replace(node, op=op)


def _extended_operator(op: Operator, before: int, batch: int) -> Operator:
    """A reshape names its target's extents; no other operator names the batch."""
    if isinstance(op, Reshape) and op.shape[:1] == (before,):
        return replace(op, shape=(batch, *op.shape[1:]))
    return op


def _with_samples(tensor: Tensor, batch: int) -> Tensor:
    return replace(tensor, shape=(batch, *tensor.shape[1:]))


def _reason(node: Node, graph: Graph, varies: set[str], before: int) -> str:
    """Why `node` can't follow: a constant of the batch's extent, or axis 0 is not kept apart."""
    inputs = [name for name in node.inputs if name]
    for name in inputs:
        shape = graph.tensors[name].shape
        if name not in varies and before > 1 and shape[:1] == (before,):
            return f"its operand '{name}' {shape} is fixed to the batch of {before}"
    shapes = [f"'{name}' {graph.tensors[name].shape}" for name in (*inputs, *node.outputs)]
    return f"axis 0 does not stay the axis of samples: {', '.join(shapes)}"
