"""Nodes of an ONNX file as plain values: attributes read and checked on demand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import AttributeProto, NodeProto

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.tensors import read_tensor

STANDARD_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, eq=False)
class Source:
    """One node of the file: unique name, operator, operands, attributes, version of its domain."""

    name: str
    domain: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int

    @property
    def operator(self) -> str:
        """`Conv`, `com.microsoft.QLinearAdd`: the key of the operator table."""
        return self.op_type if not self.domain else f"{self.domain}.{self.op_type}"

    def input(self, index: int) -> str:
        """Name of an input, empty where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise DamagedNodeError(f"attribute '{name}' is not an integer")
        return value

    def integers(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """A list of integers."""
        value = self.attributes.get(name, default)
        if not isinstance(value, tuple) or not all(isinstance(item, int) for item in value):
            raise DamagedNodeError(f"attribute '{name}' is not a list of integers")
        return value

    def real(self, name: str, default: float) -> float:
        """A floating-point attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, float):
            raise DamagedNodeError(f"attribute '{name}' is not a number")
        return value

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise DamagedNodeError(f"attribute '{name}' is not a string")
        return value


def read_node(proto: NodeProto, name: str, opsets: dict[str, int], folder: Path) -> Source:
    """`proto` as a Source called `name`."""
    domain = "" if proto.domain in STANDARD_DOMAINS else proto.domain
    attributes = {}
    for attribute in proto.attribute:
        attributes[attribute.name] = _value(attribute, folder)
    return Source(
        name, domain, proto.op_type, tuple(proto.input), tuple(proto.output), attributes,
        opsets.get(domain, 1),
    )  # fmt: skip


def _value(attribute: AttributeProto, folder: Path) -> Any:
    kind = attribute.type
    if kind == AttributeProto.INT:
        return int(attribute.i)
    if kind == AttributeProto.FLOAT:
        return float(attribute.f)
    if kind == AttributeProto.STRING:
        return attribute.s.decode("utf-8", "replace")
    if kind == AttributeProto.INTS:
        return tuple(int(item) for item in attribute.ints)
    if kind == AttributeProto.FLOATS:
        return tuple(float(item) for item in attribute.floats)
    if kind == AttributeProto.STRINGS:
        return tuple(item.decode("utf-8", "replace") for item in attribute.strings)
    if kind == AttributeProto.TENSOR:
        return read_tensor(attribute.t, folder)
    if kind in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise UnsupportedNodeError("control flow (a node that holds a graph) is not supported")
    return np.nan
