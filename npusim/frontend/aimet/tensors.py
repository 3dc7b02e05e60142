"""The tensors of a float ONNX model by name: who writes them, who reads them, what is constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.tensors import read_tensor

NOT_REAL = ("Shape", "Size", "ArgMax", "ArgMin", "NonZero")
"""Operators whose results are no reals, whatever they read."""


@dataclass(frozen=True, eq=False)
class Use:
    """One reader of a tensor: `node` reads it as its input number `index`."""

    node: NodeProto
    index: int


class Tensors:
    """What is known of the tensors of `model`, which lies at `path`; subgraphs are not looked at.

    `constants` are the tensors that the file holds; `fixed` are those and what is computed from
    them alone. `names` has all tensors, in the order of the file.
    """

    def __init__(self, model: ModelProto, path: Path) -> None:
        graph = model.graph
        self.path = path
        self.constants: dict[str, TensorProto] = {one.name: one for one in graph.initializer}
        self.writers: dict[str, NodeProto] = {}
        self.uses: dict[str, list[Use]] = {}
        self.types = _types(model)
        for node in graph.node:
            self.writers.update({name: node for name in node.output if name})
            for index, name in enumerate(node.input):
                self.uses.setdefault(name, []).append(Use(node, index))
            value = _value(node)
            if value is not None:
                self.constants[node.output[0]] = value
        self.inputs = tuple(one.name for one in graph.input if one.name not in self.constants)
        self.outputs = tuple(one.name for one in graph.output)
        self.fixed = _fixed(model, self.constants)
        self.names = dict.fromkeys((*self.inputs, *self.constants, *self.writers))

    def is_real(self, name: str) -> bool:
        """True for float32, and where the file does not let its type be known."""
        if name in self.constants:
            return self.constants[name].data_type == TensorProto.FLOAT
        writer = self.writers.get(name)
        if writer is not None and writer.op_type in NOT_REAL:
            return False
        return self.types.get(name, TensorProto.FLOAT) == TensorProto.FLOAT

    def value(self, name: str) -> np.ndarray | str:
        """The array of a constant, or why it can't be read."""
        try:
            return read_tensor(self.constants[name], self.path.parent)
        except (DamagedNodeError, UnsupportedNodeError) as error:
            return str(error)

    def only_use(self, name: str) -> Use | None:
        """The reader of a tensor that one node reads once and that is no output of the model."""
        uses = self.uses.get(name, [])
        return uses[0] if len(uses) == 1 and name not in self.outputs else None


def _value(node: NodeProto) -> TensorProto | None:
    """The tensor of a Constant node."""
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    return next((one.t for one in node.attribute if one.name == "value"), None)


def _types(model: ModelProto) -> dict[str, int]:
    """Element types that the file declares, and those that ONNX can infer."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # what the reader of the model finds wrong, it says better
        graph = model.graph
    infos = (*graph.input, *graph.value_info, *graph.output)
    return {one.name: one.type.tensor_type.elem_type for one in infos}


def _fixed(model: ModelProto, constants: Mapping[str, TensorProto]) -> frozenset[str]:
    """Tensors whose values do not depend on the inputs, however they are computed."""
    fixed = set(constants)
    for node in model.graph.node:
        given = [name for name in node.input if name]
        if node.op_type in ("Shape", "Size", "Constant") or (
            given and all(name in fixed for name in given)
        ):
            fixed.update(name for name in node.output if name)
    return frozenset(fixed)
