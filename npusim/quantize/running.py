"""A Graph executed without a hardware: every operator whole, by the kernels of its framework.

Integer sums are exact and float32 sums are those of `convolution_float32`, as on a host. A
hardware's own accumulator comes in where a Program is executed (`npusim/execution/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.execution.arrays import check_inputs
from npusim.execution.layer import run_layer
from npusim.ir.graph import Graph, Node
from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, VectorKernel
from npusim.ir.ops.narrow_floats import bind_operator
from npusim.ir.tensor import Tensor
from npusim.ir.views import empty_like_memory
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named

Arrays = Mapping[str, np.ndarray]
Kernel = ArrayKernel | VectorKernel


def bound(graph: Graph, node: Node) -> tuple[Kernel, Tile]:
    """The kernel of `node` in the arithmetic of the graph's profile, and the whole of its loops."""
    ins, outs = graph.operands(node)
    kernel = bind_operator(node.op, ins, outs, profile_named(graph.profile), kernels())
    return kernel, node.op.loop_nest(ins, outs).whole


def computed(
    graph: Graph, node: Node, kernel: Kernel, whole: Tile, values: Arrays
) -> list[np.ndarray]:
    """Outputs of `node`, bound already; `values` has its inputs, in memory order."""
    ins: Sequence[np.ndarray] = [values[name] if name else None for name in node.inputs]  # type: ignore[misc]
    found = [graph.tensors[name] for name in node.outputs]
    outs = [empty_like_memory(t.shape, t.format.dtype, t.channel_axis) for t in found]
    with np.errstate(over="ignore", invalid="ignore"):  # who calibrates looks for infinities
        run_layer(kernel, whole, ins, outs)
    return outs


def in_memory_order(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """`values` of `tensor` in the memory order that kernels expect."""
    array = empty_like_memory(tensor.shape, tensor.format.dtype, tensor.channel_axis)
    array[...] = values
    return array


class Runner:
    """`graph` bound to the kernels of its own profile; runs any number of inputs.

    UnsupportedModelError names every node that no kernel computes.
    """

    def __init__(self, graph: Graph) -> None:
        if graph.weightless or graph.counted_only or graph.states:
            what = graph.counted_only or "keeps a state from inference to inference"
            if graph.weightless:
                what = "a layer table has no weights"
            raise UnsupportedModelError(Problem(graph.name, f"can't be quantized: {what}"))
        self.graph = graph
        self._bound: list[tuple[Node, Kernel, Tile]] = []
        problems = []
        for node in graph.nodes:
            try:
                self._bound.append((node, *bound(graph, node)))
            except UnsupportedModelError as error:
                where = f"node '{node.name}'"
                problems += [Problem(where, str(one)) for one in error.problems]
        if problems:
            raise UnsupportedModelError(problems)
        self._last = {name: at for at, node in enumerate(graph.nodes) for name in node.inputs}
        self._constants = {t.name: t.data for t in graph.constants() if t.data is not None}

    def values(self, inputs: Arrays) -> Iterator[tuple[str, np.ndarray]]:
        """Every computed tensor of one inference, by name, in order; the graph's inputs first.

        A tensor is let go once its last reader has run.
        """
        values: dict[str, np.ndarray] = dict(self._constants)
        given = check_inputs(self.graph, inputs)
        values.update(given)
        yield from given.items()
        for at, (node, kernel, whole) in enumerate(self._bound):
            outs = computed(self.graph, node, kernel, whole, values)
            values.update(zip(node.outputs, outs, strict=True))
            yield from zip(node.outputs, outs, strict=True)
            for name in {*node.inputs, *node.outputs}:
                if self._last.get(name, at) == at:
                    values.pop(name, None)

    def run_node(self, node: Node, inputs: Arrays) -> list[np.ndarray]:
        """Outputs of one node of the graph; `inputs` are those that are no constants, by name."""
        _, kernel, whole = next(one for one in self._bound if one[0] is node)
        ordered = {
            name: in_memory_order(self.graph.tensors[name], array) for name, array in inputs.items()
        }
        return computed(self.graph, node, kernel, whole, {**self._constants, **ordered})

    def outputs(self, samples: Iterable[Arrays]) -> dict[str, np.ndarray]:
        """The graph's outputs for `samples`, joined along axis 0."""
        wanted = set(self.graph.outputs)
        rows: dict[str, list[np.ndarray]] = {name: [] for name in self.graph.outputs}
        for sample in samples:
            for name, array in self.values(sample):
                if name in wanted:
                    rows[name].append(np.ascontiguousarray(array).reshape(array.shape))
        return {name: np.concatenate(found) for name, found in rows.items()}
