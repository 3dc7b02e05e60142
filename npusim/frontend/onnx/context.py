"""What the operator functions read from and write to while a file becomes a graph.

A name of the file is one of three things: a constant (numpy, in the file's order), a dequantized
constant (its stored integers are kept), or a tensor of the graph under construction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import checked_shape, format_of_constant, marked, unmarked
from npusim.ir.graph import Node
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.tensor import Tensor
from npusim.numerics.conversion import Conversion, converted
from npusim.numerics.floats import decode, encode
from npusim.numerics.formats import FP32, Format
from npusim.numerics.quantization import Quantization


@dataclass(frozen=True, eq=False)
class QuantizedConstant:
    """Stored numbers of a constant behind a DequantizeLinear, in the file's order.

    `data` is marked as constants are; `format` is that of the reals.
    """

    name: str
    data: np.ndarray
    quantization: Quantization
    format: Format = FP32

    def real(self) -> np.ndarray:
        """The reals that DequantizeLinear makes of it."""
        real = self.quantization.real(unmarked(self.data), format_of_constant(self.data))
        return marked(converted(real, Conversion(FP32, self.format)), self.format)


class Context:
    """The graph under construction."""

    def __init__(self) -> None:
        self.constants: dict[str, np.ndarray] = {}
        self.quantized: dict[str, QuantizedConstant] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.aliases: dict[str, str] = {}
        self.failed: set[str] = set()

    def resolve(self, name: str) -> str:
        """The name behind identities."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def name_of(self, source: Source, index: int) -> str:
        """Resolved name of a required input."""
        name = source.input(index)
        if not name:
            raise DamagedNodeError(f"has no input {index}")
        return self.resolve(name)

    def constant(self, source: Source, index: int) -> np.ndarray | None:
        """A constant input in the file's order, None where it is absent."""
        if not source.input(index):
            return None
        name = self.name_of(source, index)
        if name not in self.constants:
            raise UnsupportedNodeError(f"input '{source.input(index)}' must be a constant")
        return self.constants[name]

    def required_constant(self, source: Source, index: int) -> np.ndarray:
        """A constant input that must be there."""
        value = self.constant(source, index)
        if value is None:
            raise DamagedNodeError(f"has no input {index}")
        return value

    def activation(self, source: Source, index: int) -> Tensor:
        """An input as a tensor of the graph; constants become one."""
        name = self.name_of(source, index)
        if name in self.tensors:
            return self.tensors[name]
        if name in self.quantized:
            return self._dequantized(name, self.quantized[name])
        if name in self.constants:
            return self.add_constant(name, self.constants[name])
        raise DamagedNodeError(f"reads '{source.input(index)}', which nothing has written")

    def type_of(self, source: Source, index: int) -> Format:
        """Format of an input, whatever it is."""
        name = self.name_of(source, index)
        if name in self.constants:
            return self.format_of(self.constants[name])
        found = self.quantized.get(name)
        return self.activation(source, index).format if found is None else found.format

    def add_constant(
        self, name: str, data: np.ndarray, quantization: Quantization | None = None
    ) -> Tensor:
        """A constant tensor called `name`, or the one that already is."""
        fmt = self.format_of(data)
        data = unmarked(data)
        free = name
        number = 1
        while free in self.tensors:
            known = self.tensors[free]
            if _same_constant(known, data, fmt, quantization):
                return known
            number += 1
            free = f"{name}#{number}"
        data = np.ascontiguousarray(data) if data.ndim else data
        tensor = Tensor(free, data.shape, fmt, quantization, data)
        self.tensors[free] = tensor
        return tensor

    def weights(
        self, source: Source, index: int, layout: Callable[[np.ndarray], np.ndarray], axis: int
    ) -> Tensor:
        """A constant in the order that `layout` makes of it.

        `axis` is where the file's order has the output channels; `layout` brings them to the front.
        """
        name = self.name_of(source, index)
        if name in self.quantized:
            found = self.quantized[name]
            if found.format != FP32:  # its reals are rounded, which stored numbers are not
                return self.add_constant(name, layout(found.real()))
            quantization = channels_first(found.quantization, axis, found.data.ndim, layout)
            return self.add_constant(found.name, layout(found.data), quantization)
        if name in self.constants:
            return self.add_constant(name, layout(self.constants[name]))
        raise UnsupportedNodeError(f"weights '{source.input(index)}' must be constants")

    def stored_weights(
        self, source: Source, index: int, quantization: Quantization,
        layout: Callable[[np.ndarray], np.ndarray], axis: int,
    ) -> Tensor:  # fmt: skip
        """Stored integers whose scales stand beside them, in the order that `layout` makes."""
        data = self.required_constant(source, index)
        per_channel = not quantization.is_per_tensor and quantization.block is None
        if per_channel and quantization.scale.size != data.shape[axis]:
            raise DamagedNodeError(
                f"has {quantization.scale.size} weight scales for {data.shape[axis]} channels"
            )
        name = self.name_of(source, index)
        along = replace(quantization, axis=axis) if quantization.block is None else quantization
        moved = channels_first(along, axis, data.ndim, layout)
        return self.add_constant(name, layout(data), moved)

    def bias(self, source: Source, index: int) -> Tensor | None:
        """A constant vector, stored as int32 where it was quantized."""
        if not source.input(index):
            return None
        return self.weights(source, index, np.ravel, 0)

    def real_constant(self, source: Source, index: int) -> Tensor:
        """A constant input of reals; one that is stored with a scale is dequantized here."""
        name = self.name_of(source, index)
        if name not in self.quantized:
            return self.add_constant(name, self.required_constant(source, index))
        found = self.quantized[name]
        return self.add_constant(name, found.real())

    def real_weights(
        self, source: Source, index: int, layout: Callable[[np.ndarray], np.ndarray], factor: float
    ) -> Tensor:
        """A constant times `factor`, a real even if it is stored with a scale."""
        tensor = self.real_constant(source, index)
        return self.add_constant(f"{source.outputs[0]}_weights", layout(times(tensor, factor)))

    def emit(
        self, source: Source, op: Operator, inputs: Sequence[Tensor | None],
        fmt: Format | None = None, quantization: Quantization | None = None, output: int = 0,
    ) -> Tensor:  # fmt: skip
        """Add a node that writes output `output` of `source`; by default as its first input is."""
        first = inputs[0]
        assert first is not None
        if fmt is None:
            fmt, quantization = first.format, first.quantization
        (shape,) = self.shapes_of(op, inputs)
        return self.add_node(
            source.name, op, inputs, source.outputs[output], shape, fmt, quantization
        )

    def emit_each(
        self, source: Source, op: Operator, inputs: Sequence[Tensor | None],
        outputs: Sequence[tuple[str, Format]],
    ) -> None:  # fmt: skip
        """Add a node of several outputs; one that the file leaves out gets the name given here."""
        shapes = self.shapes_of(op, inputs)
        names = []
        for at, ((role, fmt), shape) in enumerate(zip(outputs, shapes, strict=True)):
            given = source.outputs[at] if at < len(source.outputs) else ""
            name = given or f"{source.name}_{role}"
            names.append(self.add_tensor(name, fmt, shape).name)
        operands = tuple("" if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(source.name, op, operands, tuple(names)))

    def add_tensor(self, name: str, fmt: Format, shape: tuple[int, ...]) -> Tensor:
        """A tensor that a node of several outputs writes."""
        self.tensors[name] = Tensor(name, checked_shape(shape), fmt)
        return self.tensors[name]

    def shapes_of(self, op: Operator, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Shapes of the outputs; DamagedNodeError if the inputs do not fit."""
        try:
            return op.infer_shapes(inputs)
        except ValueError as error:
            raise DamagedNodeError(str(error)) from None

    def add_node(
        self, name: str, op: Operator, inputs: Sequence[Tensor | None], output: str,
        shape: tuple[int, ...], fmt: Format, quantization: Quantization | None,
    ) -> Tensor:  # fmt: skip
        """Add a node whose output shape is known."""
        out = Tensor(output, checked_shape(shape), fmt, quantization)
        if not out.size:
            raise UnsupportedNodeError(f"gives shape {list(shape)}, which has no elements")
        self.tensors[output] = out
        names = tuple("" if tensor is None else tensor.name for tensor in inputs)
        self.nodes.append(Node(name, op, names, (output,)))
        return out

    def read_as(self, tensor: Tensor, quantization: Quantization) -> Tensor:
        """`tensor`, whose integers a reader takes as `quantization`; the file says so twice."""
        if tensor.quantization is None:
            return self._quantize_back(tensor, quantization)
        if not tensor.quantization.same_as(quantization):
            raise UnsupportedNodeError(
                f"reads '{tensor.name}' with another scale than it was written with"
            )
        return tensor

    def format_of(self, data: np.ndarray) -> Format:
        """Format of a constant."""
        return format_of_constant(data)

    def _quantize_back(self, tensor: Tensor, quantization: Quantization) -> Tensor:
        """Give scales to a tensor that has none, and to what it was moved from."""
        tensor = replace(tensor, quantization=quantization)
        self.tensors[tensor.name] = tensor
        for node in self.nodes:
            if tensor.name in node.outputs and node.op.moves:
                self._quantize_back(self.tensors[node.inputs[0]], quantization)
        return tensor

    def _dequantized(self, name: str, found: QuantizedConstant) -> Tensor:
        if not found.quantization.is_per_tensor:
            return self.add_constant(name, found.real())
        stored = self.add_constant(found.name, found.data, found.quantization)
        return self.add_node(
            f"{name}_constant", Dequantize(), [stored], name, stored.shape, found.format, None
        )


def times(tensor: Tensor, factor: float) -> np.ndarray:
    """The reals of a constant tensor times `factor`, rounded once, marked as constants are."""
    assert tensor.data is not None
    product = decode(tensor.data, tensor.format) * np.float32(factor)
    return marked(encode(product, tensor.format), tensor.format)


def channels_first(
    quantization: Quantization, axis: int, rank: int, layout: Callable[[np.ndarray], np.ndarray]
) -> Quantization:
    """Scales along `axis` of the file's order as scales along axis 0, where `layout` brings it.

    Scales of blocks are brought into the order that `layout` makes, along whatever axis they are.
    """
    if quantization.is_per_tensor:
        return Quantization(quantization.scale, quantization.zero_point)
    if quantization.block is not None and quantization.axis is not None:
        scale, zero = (layout(v) for v in (quantization.scale, quantization.zero_point))
        marker = layout(np.zeros([2 if a == quantization.axis else 1 for a in range(rank)]))
        return replace(quantization, scale=scale, zero_point=zero, axis=marker.shape.index(2))
    if quantization.axis is None or quantization.axis % max(rank, 1) != axis % max(rank, 1):
        raise UnsupportedNodeError("its weights are quantized along another axis than the output's")
    return Quantization(quantization.scale, quantization.zero_point, 0)


def _same_constant(
    known: Tensor, data: np.ndarray, fmt: Format, quantization: Quantization | None
) -> bool:
    if known.data is None or known.format != fmt:
        return False
    if known.quantization is None:
        same_scale = quantization is None
    else:
        same_scale = known.quantization.same_as(quantization)
    return same_scale and np.array_equal(known.data, data)
