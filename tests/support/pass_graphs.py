"""Small graphs for tests of passes, written node by node."""

from __future__ import annotations

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, UINT8, Format
from npusim.numerics.quantization import Quantization


class Graphs:
    """Collects tensors and nodes; shapes follow from the operators."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def input(self, name: str, shape: tuple[int, ...], fmt: Format = FP32) -> str:
        """A graph input."""
        self.tensors[name] = Tensor(name, shape, fmt)
        self.inputs.append(name)
        return name

    def stored(self, name: str, shape: tuple[int, ...], scale: float, zero: int = 0) -> str:
        """A uint8 graph input."""
        quantization = Quantization.per_tensor(scale, zero)
        self.tensors[name] = Tensor(name, shape, UINT8, quantization)
        self.inputs.append(name)
        return name

    def constant(
        self, name: str, data: np.ndarray, fmt: Format = FP32, scale: float | None = None
    ) -> str:
        """A constant."""
        quantization = None if scale is None else Quantization.per_tensor(scale)
        self.tensors[name] = Tensor(name, data.shape, fmt, quantization, data.astype(fmt.dtype))
        return name

    def node(
        self, op: Operator, inputs: list[str], output: str, *, fmt: Format = FP32,
        scale: float | None = None, zero: int = 0,
    ) -> str:  # fmt: skip
        """A node called as its output, real unless a scale says otherwise."""
        (shape,) = op.infer_shapes([self.tensors[name] for name in inputs])
        quantization = None if scale is None else Quantization.per_tensor(scale, zero)
        fmt = fmt if scale is None else UINT8
        self.tensors[output] = Tensor(output, shape, fmt, quantization)
        self.nodes.append(Node(output, op, tuple(inputs), (output,)))
        return output

    def graph(self, *outputs: str) -> Graph:
        """The graph."""
        return Graph(
            "g", tuple(self.nodes), self.tensors, tuple(self.inputs), tuple(outputs), "onnx"
        )


def shown(graph: Graph) -> list[tuple[str, tuple[str, ...], str]]:
    """Operator kind, inputs and output of every node."""
    return [(node.op.kind, node.inputs, node.outputs[0]) for node in graph.nodes]
