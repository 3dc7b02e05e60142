"""Quantize and dequantize nodes put into a float ONNX model, where its encodings say.

A computed tensor goes through QuantizeLinear and DequantizeLinear under its own name: whoever wrote
it writes a tensor of another name. A constant becomes its stored integers behind a
DequantizeLinear. What reads the tensors is not changed, so the operators' fusion is that of any
model of Q/DQ form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.tensors import Tensors
from npusim.ir.passes.rewrite import free_name
from npusim.numerics.formats import INT4, INT8, INT16, INT32, UINT4, UINT8, UINT16, Format

_TYPES: dict[Format, int] = {
    INT4: TensorProto.INT4,
    UINT4: TensorProto.UINT4,
    INT8: TensorProto.INT8,
    UINT8: TensorProto.UINT8,
    INT16: TensorProto.INT16,
    UINT16: TensorProto.UINT16,
    INT32: TensorProto.INT32,
}


def inserted(
    model: ModelProto, tensors: Tensors, encodings: Mapping[str, Encoding],
    constants: Mapping[str, np.ndarray], axes: Mapping[str, int],
) -> ModelProto:  # fmt: skip
    """`model`, changed in place: its tensors quantized as `encodings` (by name) say.

    `constants` are the float32 values of those that are constant; `axes` the axis along which
    scales differ, for those that have several.
    """
    return _Insertion(model, tensors, encodings, constants, axes).result()


class _Insertion:
    def __init__(
        self, model: ModelProto, tensors: Tensors, encodings: Mapping[str, Encoding],
        constants: Mapping[str, np.ndarray], axes: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.model, self.graph, self.tensors = model, model.graph, tensors
        self.encodings, self.constants, self.axes = encodings, constants, axes
        self.taken: set[str] = {*tensors.names, *constants}
        self.new_names: dict[str, str] = {}
        """What readers of a quantized input of the model read."""

    def result(self) -> ModelProto:
        """The model, changed."""
        nodes: list[NodeProto] = []
        for name in self.tensors.inputs:
            if name in self.encodings:
                self.new_names[name] = self._name(f"{name}_dequantized")
                nodes += self._pair(name, name, self.new_names[name])
        for name in self.constants:
            nodes.append(self._stored(name))
        for node in self.graph.node:
            nodes += self._rewritten(node)
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        self._drop_constants()
        return self.model

    def _rewritten(self, node: NodeProto) -> list[NodeProto]:
        """`node` with quantized results; none of it if it is a constant that is stored now."""
        if any(name in self.constants for name in node.output):
            return []
        behind: list[NodeProto] = []
        for index, name in enumerate(node.input):
            node.input[index] = self.new_names.get(name, name)
        for index, name in enumerate(node.output):
            if name in self.encodings:
                node.output[index] = self._name(f"{name}_float")
                behind += self._pair(name, node.output[index], name)
        return [node, *behind]

    def _pair(self, name: str, source: str, target: str) -> list[NodeProto]:
        """QuantizeLinear from `source` and DequantizeLinear to `target`, for tensor `name`."""
        stored = self._name(f"{name}_quantized")
        grid = self._grid(name)
        return [
            helper.make_node("QuantizeLinear", [source, *grid], [stored], name=stored),
            helper.make_node("DequantizeLinear", [stored, *grid], [target], name=f"{stored}_real"),
        ]

    def _stored(self, name: str) -> NodeProto:
        """The DequantizeLinear of a constant, whose integers become a constant of the model."""
        one, axis = self.encodings[name], self.axes.get(name)
        scale, zero = _broadcast(one, self.constants[name].shape, axis)
        steps = np.rint(self.constants[name] / scale).astype(np.float64) + zero
        data = np.clip(steps, one.low, one.high).astype(one.format.dtype)
        stored = self._name(f"{name}_quantized")
        self._add(stored, data, one.format)
        attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
        if one.block_size and axis is not None:
            attributes["block_size"] = one.block_size
        return helper.make_node(
            "DequantizeLinear", [stored, *self._grid(name)], [name], name=stored, **attributes
        )

    def _grid(self, name: str) -> list[str]:
        """Names of the scale and the zero point of `name`, which become constants of the model."""
        one = self.encodings[name]
        shape: tuple[int, ...] = ()
        if one.granularity != "tensor":
            shape = one.scale.shape
        names = [self._name(f"{name}_scale"), self._name(f"{name}_zero_point")]
        scale = helper.make_tensor(names[0], TensorProto.FLOAT, shape, one.scale.tobytes(), True)
        self.graph.initializer.append(scale)
        self._add(names[1], one.zero_point.reshape(shape).astype(one.format.dtype), one.format)
        return names

    def _add(self, name: str, data: np.ndarray, fmt: Format) -> None:
        if fmt in (INT4, UINT4):
            tensor = helper.make_tensor(name, _TYPES[fmt], data.shape, data.reshape(-1).tolist())
        else:
            tensor = helper.make_tensor(name, _TYPES[fmt], data.shape, data.tobytes(), True)
        self.graph.initializer.append(tensor)

    def _drop_constants(self) -> None:
        kept = [one for one in self.graph.initializer if one.name not in self.constants]
        inputs = [one for one in self.graph.input if one.name not in self.constants]
        for group, left in ((self.graph.initializer, kept), (self.graph.input, inputs)):
            del group[:]
            group.extend(left)

    def _name(self, wish: str) -> str:
        name = free_name(wish, self.taken)
        self.taken.add(name)
        return name


def _broadcast(
    one: Encoding, shape: tuple[int, ...], axis: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point of every element of a constant."""
    scale, zero = one.scale, one.zero_point
    if one.granularity == "tensor" or axis is None:
        return scale.reshape(()), zero.reshape(())
    if one.granularity == "block":
        return tuple(  # type: ignore[return-value]
            np.repeat(part, one.block_size, axis)[(slice(None),) * axis + (slice(shape[axis]),)]
            for part in (scale, zero)
        )
    along = [1] * len(shape)
    along[axis] = -1
    return scale.reshape(along), zero.reshape(along)
