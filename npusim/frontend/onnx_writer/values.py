"""The ONNX values of a graph's tensors: stored or real, channels where they are or in front.

A quantized tensor has its stored integers and, behind a DequantizeLinear, real values. A tensor of
channels-last images also has a form with the channels in front, which ONNX's operators on images
take. A form is made where an operator first asks for it, from one that is there; transposes are put
on the stored integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

from npusim.frontend.onnx.tensors import FORMAT_OF_TYPE
from npusim.ir.graph import Graph
from npusim.ir.passes.rewrite import free_name
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import decode, encode
from npusim.numerics.formats import FP8_E4M3, FP8_E5M2, FP32, INT4, UINT4, Format, format_of
from npusim.numerics.packing import pack_int4
from npusim.numerics.quantization import Quantization

TYPES: dict[str, int] = {fmt.name: elem_type for elem_type, fmt in FORMAT_OF_TYPE.items()}
"""ONNX's element types of the formats that are written."""

FIRST = (0, 3, 1, 2)
LAST = (0, 2, 3, 1)
"""Orders of axes that bring the channels of an image to the front, and back."""


class UnwritableError(Exception):
    """An operator or a tensor that has no form in ONNX, or none that is written yet."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Names of a scale and a zero point, and the attributes that say what has one of its own."""

    scale: str
    zero: str
    attributes: dict[str, Any]


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
        self.owned: set[str] = set()
        """Constants of the graph whose names are taken by what operators read in place of them."""
        self.grids: dict[tuple[str, int | None, str], Grid] = {}

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

    def constant(self, wish: str, data: np.ndarray, fmt: Format | None = None) -> str:
        """A constant of the model that is no tensor of the graph; `fmt` is numpy's by default."""
        return self._add(self.fresh(wish), data, format_of(data.dtype) if fmt is None else fmt)

    def own_constant(self, tensor: Tensor, data: np.ndarray) -> str:
        """A constant of the graph in another order, under its own name if that is still free."""
        name = tensor.name
        if name in self.owned or (name, False) in self.stored:
            name = self.fresh(name)
        self.owned.add(name)
        return self._add(name, data, tensor.format)

    def real_constant(self, wish: str, value: float, fmt: Format) -> str:
        """A number that values of format `fmt`, which have no scale, are computed with."""
        if fmt.is_integer:
            return self.constant(wish, np.array(int(value), fmt.dtype), fmt)
        return self.constant(wish, encode(np.array(value, np.float32), fmt), fmt)

    def _add(self, name: str, data: np.ndarray, fmt: Format) -> str:
        packed = pack_int4(data) if fmt in (INT4, UINT4) else np.asarray(data, fmt.dtype, order="C")
        self.initializers.append(
            helper.make_tensor(name, TYPES[fmt.name], data.shape, packed.tobytes(), raw=True)
        )
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
            self.reals[name, first] = self.dequantized(stored, name, first)
        return self.reals[name, first]

    def quantized(
        self, value: str, name: str, target: str, first: bool = False, real: Format = FP32,
        saturate: bool = True,
    ) -> str:  # fmt: skip
        """`value`, of format `real`, behind the QuantizeLinear of tensor `name`."""
        tensor = self.tensor(name)
        grid = self.grid_of(name, first, real)
        is_fp8 = tensor.format in (FP8_E4M3, FP8_E5M2)
        more: dict[str, Any] = {"saturate": int(saturate)} if is_fp8 else {}
        inputs = [value, grid.scale, grid.zero]
        return self.emit("QuantizeLinear", inputs, target, **grid.attributes, **more)

    def dequantized(
        self, stored: str, name: str, first: bool = False, real: Format = FP32, target: str = "",
    ) -> str:  # fmt: skip
        """`stored`, a form of tensor `name`, behind a DequantizeLinear that gives `real`."""
        return self.behind(stored, self.grid_of(name, first, real), target)

    def behind(self, stored: str, grid: Grid, target: str = "") -> str:
        """`stored` behind a DequantizeLinear with `grid`."""
        inputs = [stored, grid.scale, grid.zero]
        output = target or self.fresh(f"{stored}_real")
        return self.emit("DequantizeLinear", inputs, output, **grid.attributes)

    def grid_of(self, name: str, first: bool = False, real: Format = FP32) -> Grid:
        """The grid of tensor `name`, for reals of format `real`."""
        tensor = self.tensor(name)
        if tensor.quantization is None:
            raise UnwritableError(f"'{name}' is {tensor.format.name} without a scale")
        quantization = turned(tensor.quantization) if first else tensor.quantization
        return self.grid(name, quantization, tensor.format, real)

    def grid(self, name: str, quantization: Quantization, fmt: Format, real: Format = FP32) -> Grid:
        """Scale and zero point called after `name`, as constants of the model."""
        key = (name, quantization.axis, real.name)
        if key not in self.grids:
            scale = quantization.scale
            if quantization.is_per_tensor:
                scale = scale.reshape(())
            zeros = np.broadcast_to(quantization.zero_point, quantization.scale.shape)
            stored = encode(scale, real)
            if not np.array_equal(decode(stored, real), scale):
                raise UnwritableError(f"the scale of '{name}' is no {real.name}")
            attributes: dict[str, Any] = {}
            if not quantization.is_per_tensor:
                attributes["axis"] = quantization.axis or 0
            if quantization.block is not None:
                attributes["block_size"] = quantization.block
            self.grids[key] = Grid(
                self.constant(f"{name}_scale", stored, real),
                self.constant(
                    f"{name}_zero_point", zeros.reshape(scale.shape).astype(fmt.dtype), fmt
                ),
                attributes,
            )
        return self.grids[key]

    def name_of(self, name: str, first: bool) -> str:
        """The name of a form of tensor `name`; the graph's own is that in its axis order."""
        if first:
            return self.fresh(f"{name}_channels_first")
        return self.fresh(name) if name in self.owned else name

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
        return self._add(name, data, tensor.format)


def real_format(tensor: Tensor) -> Format:
    """The format of the real values of `tensor`: float32 where it is quantized."""
    return tensor.format if tensor.quantization is None else FP32


def turned(quantization: Quantization) -> Quantization:
    """The grid of an image whose channels are brought to the front."""
    if quantization.is_per_tensor or quantization.axis is None:
        return quantization
    if quantization.block is not None:
        raise UnwritableError("images with a scale for each block are not written")
    axis = FIRST.index(quantization.axis % 4)
    return Quantization(quantization.scale, quantization.zero_point, axis)


def require_reals(tensor: Tensor, what: str) -> None:
    """UnwritableError for integers that mean themselves, which ONNX Runtime takes no `what` of."""
    if tensor.quantization is None and tensor.format.is_integer:
        raise UnwritableError(f"{what} of {tensor.format.name} without a scale are not written")
