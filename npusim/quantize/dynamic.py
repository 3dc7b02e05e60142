"""Dynamic quantization: the range of what a layer reads is found at run time, input by input.

A convolution or a product with constant weights becomes integers around a sum:

    x -> DynamicQuantizeLinear -> ConvInteger or MatMulInteger -> float32 -> times both scales
      -> plus bias -> activation

Everything else stays float32. Weights are int8 and symmetric, per tensor or per output channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.dynamic_quantize import DynamicQuantize
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.conv_integer import ConvInteger
from npusim.ir.ops.products.matmul_integer import MatMulInteger
from npusim.ir.passes.rewrite import free_name
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT8, INT32, UINT8, Format
from npusim.numerics.quantization import Activation
from npusim.quantize.placement import has_constant_weights
from npusim.quantize.scheme import Scheme, Weights
from npusim.quantize.weights import quantized_parameters

KINDS = ("conv2d", "fully_connected")


def dynamic_graph(graph: Graph, scheme: Scheme) -> Graph:
    """The float `graph` with integer sums; layers that `scheme` keeps in fp32 stay as they are.

    UnsupportedModelError names the layers whose formats have no such form.
    """
    made = _Dynamic(graph)
    problems = []
    for node in graph.nodes:
        how = scheme.of(node.name)
        if (
            node.op.kind not in KINDS
            or not has_constant_weights(graph, node)
            or how.weights.name == "fp32"
        ):
            made.nodes.append(node)
        elif how.weights.format != INT8 or how.weights.granularity == "per-block":
            what = f"dynamic quantization has int8 weights, not {how.weights}"
            problems.append(Problem(f"layer '{node.name}'", what))
        else:
            made.layer(node, how.weights)
    if problems:
        raise UnsupportedModelError(problems)
    return replace(graph, nodes=tuple(made.nodes), tensors=made.tensors)


@dataclass(eq=False)
class _Dynamic:
    """The graph in the making."""

    graph: Graph
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    stored: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Of a float32 tensor its integers, their scale and their zero point."""

    def __post_init__(self) -> None:
        self.tensors = dict(self.graph.tensors)

    def layer(self, node: Node, how: Weights) -> None:
        """`node` as integers around a sum."""
        op: Any = node.op
        weights, out = self.tensors[node.inputs[1]], self.tensors[node.outputs[0]]
        x, scale, zero = self._read(node.inputs[0])
        own, factors = self._weights(node, weights, how, out)
        sums = self._node(f"{node.name}_sums", _sums_of(op), (x, own, "", zero), out, INT32)
        real = self._node(f"{node.name}_real", Cast(FP32.name), (sums,), out, FP32)
        like = self.tensors[factors]
        both = self._node(f"{node.name}_scales", Mul(), (scale, factors), like, FP32)
        bias = node.inputs[2] if len(node.inputs) > 2 else ""
        steps: list[tuple[Operator, tuple[str, ...]]] = [(Mul(), (both,))]
        if bias:
            steps.append((Add(), (self._spread(self.tensors[bias], out, node.op),)))
        *others, (last, operands) = steps
        value = real
        for step, given in others:
            value = self._node(f"{node.name}_{step.kind}", step, (value, *given), out, FP32)
        # A pass folds the clamp into the operator before it, which keeps the layer's name.
        clamps = op.activation is not Activation.NONE
        written = self._add(replace(out, name=f"{out.name}_unclamped")) if clamps else out.name
        self.nodes.append(Node(node.name, last, (value, *operands), (written,)))
        if clamps:
            clamp = Node(f"{node.name}_clamp", Relu(op.activation), (written,), node.outputs)
            self.nodes.append(clamp)

    def _read(self, name: str) -> tuple[str, str, str]:
        """The integers of tensor `name`, their scale and zero point; found once."""
        if name not in self.stored:
            like = self.tensors[name]
            parts = [
                self._add(Tensor(f"{name}_{role}", shape, fmt, None, None, axis))
                for role, shape, fmt, axis in (
                    ("uint8", like.shape, UINT8, like.channel_axis), ("scale", (), FP32, -1),
                    ("zero", (), UINT8, -1),
                )
            ]  # fmt: skip
            self.nodes.append(Node(f"{name}_dynamic", DynamicQuantize(), (name,), tuple(parts)))
            self.stored[name] = (parts[0], parts[1], parts[2])
        return self.stored[name]

    def _weights(self, node: Node, weights: Tensor, how: Weights, out: Tensor) -> tuple[str, str]:
        """Names of the stored weights and of their scales, which broadcast against the output."""
        made = quantized_parameters(weights, None, how, None).weights
        assert made.quantization is not None
        scales = made.quantization.scale
        own = self._add(replace(made, name=f"{weights.name}_int8", quantization=None))
        constant = Tensor(f"{weights.name}_scale", scales.shape, FP32, None, scales)
        return own, self._spread(constant, out, node.op)

    def _spread(self, constant: Tensor, out: Tensor, op: Operator) -> str:
        """A constant per channel in a shape that broadcasts against `out`; added to the graph."""
        assert constant.data is not None
        shape = [1] * len(out.shape)
        shape[getattr(op, "channel_axis", -1)] = constant.data.size
        data = np.ascontiguousarray(constant.data.reshape(shape))
        name = f"{constant.name}_spread"
        return self._add(Tensor(name, data.shape, FP32, None, data, out.channel_axis))

    def _node(
        self, name: str, op: Operator, inputs: tuple[str, ...], like: Tensor, fmt: Format
    ) -> str:
        """Add a node whose output is like `like`, in format `fmt`."""
        own = self._add(replace(like, name=name, format=fmt, quantization=None, data=None))
        self.nodes.append(Node(name, op, inputs, (own,)))
        return own

    def _add(self, tensor: Tensor) -> str:
        name = free_name(tensor.name, self.tensors)
        self.tensors[name] = replace(tensor, name=name)
        return name


def _sums_of(op: Any) -> Operator:
    """The operator of integer sums for a convolution or a fully connected layer."""
    if isinstance(op, Conv2D):
        return ConvInteger(
            op.stride, op.dilation, op.padding, op.groups, channel_axis=op.channel_axis
        )
    return MatMulInteger(keep_num_dims=op.keep_num_dims)
