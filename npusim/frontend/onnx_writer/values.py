"""The ONNX values of a graph's tensors: stored or real, channels where they are or in front.

A quantized tensor has its stored integers and, behind a DequantizeLinear, real values. A tensor of
channels-last images also has a form with the channels in front, which ONNX's operators on images
take. A form is made where an operator first asks for it, from one that is there; transposes are put
on the stored integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from npusim.ir.graph import Graph
from npusim.ir.passes.rewrite import free_name
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import BOOL, FP32, INT8, INT32, INT64, UINT8
from npusim.numerics.quantization import Quantization

TYPES: dict[str, int] = {
    FP32.name: TensorProto.FLOAT,
    INT8.name: TensorProto.INT8,
    UINT8.name: TensorProto.UINT8,
    INT32.name: TensorProto.INT32,
    INT64.name: TensorProto.INT64,
    BOOL.name: TensorProto.BOOL,
}
"""ONNX's element types of the formats that are written."""

FIRST = (0, 3, 1, 2)
LAST = (0, 2, 3, 1)
"""Orders of axes that bring the channels of an image to the front, and back."""


class UnwritableError(Exception):
    """An operator or a tensor that has no form in ONNX, or none that is written yet."""


class Values:
    """Nodes and constants of the model under construction, and the values that tensors have."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.taken = set(graph.tensors)
        self.stored: dict[tuple[str, bool], str] = {}
        """Values of tensors as the graph stores them; True: channels in front."""
        self.reals: dict[tuple[str, bool], str] = {}
        self.grids: dict[str, tuple[str, str]] = {}

    def tensor(self, name: str) -> Tensor:
        """A tensor of the graph; UnwritableError if its format is not written."""
        tensor = self.graph.tensors[name]
        if tensor.format.name not in TYPES:
            known = ", ".join(TYPES)
            raise UnwritableError(f"'{name}' is {tensor.format.name}; {known} are written")
        return tensor

    def has_first(self, name: str) -> bool:
        """True if the form with channels in front is there already."""
        return (name, True) in self.stored

    def fresh(self, wish: str) -> str:
        """A name that nothing has yet."""
        name = free_name(wish, self.taken)
        self.taken.add(name)
        return name

    def constant(self, wish: str, data: np.ndarray) -> str:
        """A constant of the model that is no tensor of the graph."""
        name = self.fresh(wish)
        self.initializers.append(numpy_helper.from_array(np.asarray(data, order="C"), name))
        return name

    def emit(
        self, operator: str, inputs: Sequence[str], output: str, domain: str = "",
        **attributes: Any,
    ) -> str:  # fmt: skip
        """Add a node called as its one output is, which is given back."""
        self.nodes.append(
            helper.make_node(
                operator, list(inputs), [output], name=output, domain=domain, **attributes
            )
        )
        return output

    def stored_value(self, name: str, first: bool = False) -> str:
        """The value of tensor `name` as the graph stores it."""
        if (name, first) not in self.stored:
            self.stored[name, first] = self._other_form(name, first)
        return self.stored[name, first]

    def real_value(self, name: str, first: bool = False) -> str:
        """The value of tensor `name` in real numbers: dequantized where it is quantized."""
        tensor = self.tensor(name)
        if tensor.quantization is None:
            return self.stored_value(name, first)
        if (name, first) not in self.reals:
            stored = self.stored_value(name, first)
            self.reals[name, first] = self.dequantized(name, stored, tensor.quantization)
        return self.reals[name, first]

    def dequantized(self, name: str, stored: str, quantization: Quantization) -> str:
        """The value `stored` of tensor `name` behind a DequantizeLinear."""
        attributes: dict[str, Any] = (
            {} if quantization.is_per_tensor else {"axis": quantization.axis or 0}
        )
        inputs = [stored, *self.grid(name, quantization)]
        return self.emit("DequantizeLinear", inputs, self.fresh(f"{stored}_real"), **attributes)

    def grid(self, name: str, quantization: Quantization) -> tuple[str, str]:
        """Names of the scale and the zero point of tensor `name`, constants of the model."""
        if name not in self.grids:
            shape = () if quantization.is_per_tensor else (-1,)
            zeros = np.broadcast_to(quantization.zero_point, quantization.scale.shape)
            self.grids[name] = (
                self.constant(f"{name}_scale", quantization.scale.reshape(shape)),
                self.constant(
                    f"{name}_zero_point",
                    zeros.reshape(shape).astype(self.tensor(name).format.dtype),
                ),
            )
        return self.grids[name]

    def name_of(self, name: str, first: bool) -> str:
        """The name of a form of tensor `name`; the graph's own is that in its axis order."""
        return self.fresh(f"{name}_channels_first") if first else name

    def _other_form(self, name: str, first: bool) -> str:
        tensor = self.tensor(name)
        if tensor.data is not None:
            return self._constant_form(tensor, first)
        if (name, not first) not in self.stored:
            raise UnwritableError(f"'{name}' is written by nothing that can be written")
        order = FIRST if first else LAST
        other = self.stored[name, not first]
        return self.emit("Transpose", [other], self.name_of(name, first), perm=order)

    def _constant_form(self, tensor: Tensor, first: bool) -> str:
        """A constant; with channels in front it has the four axes of an image."""
        assert tensor.data is not None
        data = tensor.data
        if first and data.size != 1:
            data = data.reshape((1,) * (4 - data.ndim) + data.shape).transpose(FIRST)
        name = self.name_of(tensor.name, first)
        self.initializers.append(numpy_helper.from_array(np.asarray(data, order="C"), name))
        return name


def require_reals(tensor: Tensor, what: str) -> None:
    """UnwritableError for integers that mean themselves, which ONNX Runtime takes no `what` of."""
    if tensor.quantization is None and tensor.format != FP32:
        raise UnwritableError(f"{what} of {tensor.format.name} without a scale are not written")
