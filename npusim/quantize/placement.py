"""Where quantizations, dequantizations and casts stand in a float graph, so that layers get their
formats.

What computes writes its result in the format of its own layer; a reader of another format makes
it anew from what was written. What only moves or selects values passes on what it reads. In the
result every layer stands between a dequantization and a quantization: passes fuse the three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.passes.rewrite import free_name
from npusim.ir.passes.stored_formats import WEIGHTED
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import encode
from npusim.numerics.formats import FP32, INT8, UINT8
from npusim.numerics.quantization import Quantization
from npusim.quantize.grids import grid_of, stored_of
from npusim.quantize.scheme import Activations, LayerFormats, Scheme
from npusim.quantize.weights import quantized_parameters

RangeOf = Callable[[str, Activations], tuple[float, float]]
"""The range of a tensor for a format."""

PROBABILITY_STEP = 1.0 / 256.0
"""Of a softmax of 8 bits: ONNX Runtime's kernel is far off with any other scale (and TFLite has no
other)."""
BETWEEN = ("quantize", "dequantize", "cast", "dynamic_quantize")
"""Operators between formats: they belong to no layer."""


def computes(graph: Graph, node: Node) -> bool:
    """True for an operator from float32 to float32 that does more than move values."""
    op = node.op
    if op.kind in BETWEEN or op.moves or op.compares or not op.quantizable:
        return False
    return all(graph.tensors[name].format == FP32 for name in node.outputs if name)


def has_constant_weights(graph: Graph, node: Node) -> bool:
    """True for a product with float32 weights that are known before the run."""
    if node.op.kind not in WEIGHTED:
        return False
    weights = graph.tensors[node.inputs[1]]
    return weights.data is not None and weights.format == FP32


def placed(graph: Graph, scheme: Scheme, range_of: RangeOf) -> Graph:
    """`graph` with the borders of `scheme`; see the module's docstring."""
    return _Placement(graph, scheme, range_of).result()


@dataclass(eq=False)
class _Placement:
    graph: Graph
    scheme: Scheme
    range_of: RangeOf
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    forms: dict[tuple[str, Activations], str] = field(default_factory=dict)
    """Of a tensor and a format: the float32 tensor behind the pair, or the narrow float."""
    grids: dict[tuple[str, Activations], Quantization] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    """Float32 tensors that nobody has read yet, and the narrow float that they are cast from."""

    def result(self) -> Graph:
        self.tensors = dict(self.graph.tensors)
        for node in self.graph.nodes:
            if computes(self.graph, node):
                self._place(node, self.scheme.of(node.name))
            elif node.op.moves:
                self._move(node)
            else:
                self.nodes.append(replace(node, inputs=tuple(map(self._real, node.inputs))))
        for name in self.graph.results:
            self._real(name)
        return replace(self.graph, nodes=tuple(self.nodes), tensors=self.tensors)

    def _place(self, node: Node, formats: LayerFormats) -> None:
        """A layer between its borders."""
        how = formats.activations
        weighted = has_constant_weights(self.graph, node)
        data = 1 if weighted else node.op.data_inputs
        data = len(node.inputs) if data is None else data
        inputs = [self._read(name, how, node.op) for name in node.inputs[:data]]
        if weighted:
            inputs += self._parameters(node, formats)
        else:
            inputs += [self._parameter(name, how) for name in node.inputs[data:]]
        written = [self._written(name, how) for name in node.outputs]
        self.nodes.append(Node(node.name, node.op, tuple(inputs), tuple(written)))
        for name, own in zip(node.outputs, written, strict=True):
            if own != name and not how.stays_real:
                self._pair(name, own, name, how, node.op.kind)

    def _move(self, node: Node) -> None:
        """What moves values moves them in the narrow float that they are in, if they are."""
        source = self.pending.get(node.inputs[0])
        if source is None:
            self.nodes.append(node)
            for (name, how), form in list(self.forms.items()):
                if name == node.inputs[0] and form == name and not how.stays_real:
                    self._inherit(node, how)
            return
        fmt = self.tensors[source].format
        how = Activations(fmt.name)
        outputs = []
        for name in node.outputs:
            own = self._named(f"{name}_{fmt.name}", replace(self.tensors[name], format=fmt))
            self.forms[name, how] = self.pending[name] = own
            outputs.append(own)
        self.nodes.append(Node(node.name, node.op, (source, *node.inputs[1:]), tuple(outputs)))

    def _inherit(self, node: Node, how: Activations) -> None:
        for name in node.outputs:
            self.forms[name, how] = name
            self.grids[name, how] = self.grids[node.inputs[0], how]

    def _read(self, name: str, how: Activations, op: Operator) -> str:
        """What a layer of format `how` reads as its input `name`."""
        tensor = self.graph.tensors[name] if name else None
        if tensor is None or tensor.format != FP32 or (how.stays_real and how.format == FP32):
            return self._real(name) if name else name
        if how.stays_real:
            return self._narrow(name, how)
        if tensor.data is not None:
            return name if op.real_constants else self._constant(tensor, how)
        if (name, how) not in self.forms:
            real = self._real(name)
            form = free_name(f"{name}_as_{how.format.name}", self.tensors)
            self._pair(name, real, form, how)
        return self.forms[name, how]

    def _pair(self, name: str, source: str, form: str, how: Activations, writer: str = "") -> None:
        """Quantize `source`, the values of tensor `name`, and dequantize them as `form`.

        `writer` is the kind of operator that computes it, if it does so in this format.
        """
        like = self.graph.tensors[name]
        if writer == "softmax" and how.format in (INT8, UINT8):
            grid = Quantization.per_tensor(PROBABILITY_STEP, how.format.low)
        else:
            grid = grid_of(*self.range_of(name, how), how.format, how.symmetric)
        stored = replace(like, format=how.format, quantization=grid)
        own = self._named(f"{name}_{how.format.name}", stored)
        self.tensors[form] = replace(like, name=form)
        self.nodes.append(Node(f"{own}_quantize", Quantize(), (source,), (own,)))
        self.nodes.append(Node(f"{own}_dequantize", Dequantize(), (own,), (form,)))
        self.forms[name, how], self.grids[name, how] = form, grid

    def _constant(self, tensor: Tensor, how: Activations) -> str:
        """A constant operand, stored over its own extremes."""
        assert tensor.data is not None
        if (tensor.name, how) not in self.forms:
            ends = float(tensor.data.min()), float(tensor.data.max())
            grid = grid_of(*ends, how.format, how.symmetric)
            data = stored_of(tensor.data, grid, how.format)
            stored = replace(tensor, format=how.format, quantization=grid, data=data)
            own = self._named(f"{tensor.name}_{how.format.name}", stored)
            form = self._named(f"{tensor.name}_as_{how.format.name}", replace(tensor, data=None))
            self.nodes.append(Node(f"{own}_dequantize", Dequantize(), (own,), (form,)))
            self.forms[tensor.name, how] = form
        return self.forms[tensor.name, how]

    def _narrow(self, name: str, how: Activations) -> str:
        """Tensor `name` in a narrow float without a scale."""
        tensor = self.graph.tensors[name]
        if (name, how) in self.forms:
            return self.forms[name, how]
        if tensor.data is not None:
            return self._parameter(name, how)
        own = self._named(f"{name}_{how.name}", replace(tensor, format=how.format))
        self.nodes.append(Node(own, Cast(how.format.name), (self._real(name),), (own,)))
        self.forms[name, how] = own
        return own

    def _real(self, name: str) -> str:
        """Tensor `name` itself; a cast makes it where only its narrow form is there."""
        source = self.pending.pop(name, None)
        if source is not None:
            self.nodes.append(Node(f"{name}_cast", Cast(FP32.name), (source,), (name,)))
        return name

    def _written(self, name: str, how: Activations) -> str:
        """What a layer of format `how` writes for its output `name`."""
        like = self.graph.tensors[name]
        if how.stays_real and how.format == FP32:
            return name
        if not how.stays_real:
            return self._named(f"{name}_float", like)
        own = self._named(f"{name}_{how.name}", replace(like, format=how.format))
        self.forms[name, how] = self.pending[name] = own
        return own

    def _parameters(self, node: Node, formats: LayerFormats) -> list[str]:
        """Names of the weights, and of the bias if there is one, in the formats of a layer."""
        weights = self.graph.tensors[node.inputs[1]]
        name = node.inputs[2] if len(node.inputs) > 2 else ""
        bias = self.graph.tensors[name] if name else None
        how = formats.activations
        if formats.weights.stays_real:
            kept = [weights] if bias is None else [weights, bias]
            real = [self._parameter(one.name, Activations(formats.weights.name)) for one in kept]
            return real
        grid = self._grid_read(node.inputs[0], how)
        stored = quantized_parameters(weights, bias, formats.weights, grid)
        found = [self._named(f"{weights.name}_{formats.weights.name}", stored.weights)]
        if stored.bias is None:
            return found
        if stored.bias is bias:
            return [*found, self._parameter(bias.name, how)]
        return [*found, self._named(f"{node.name}_bias_int32", stored.bias)]

    def _grid_read(self, name: str, how: Activations) -> Quantization | None:
        return None if how.format.is_float else self.grids[name, how]

    def _parameter(self, name: str, how: Activations) -> str:
        """A float32 constant for a layer of format `how`: narrow where the layer is."""
        tensor = self.graph.tensors[name] if name else None
        real = how.format == FP32 or not how.stays_real
        if tensor is None or real or tensor.format != FP32 or tensor.data is None:
            return name
        if (name, how) not in self.forms:
            data = encode(tensor.data, how.format)
            narrow = replace(tensor, format=how.format, data=data)
            self.forms[name, how] = self._named(f"{name}_{how.name}", narrow)
        return self.forms[name, how]

    def _named(self, wish: str, tensor: Tensor) -> str:
        """Add `tensor` under a free name like `wish`."""
        name = free_name(wish, self.tensors)
        self.tensors[name] = replace(tensor, name=name)
        return name
