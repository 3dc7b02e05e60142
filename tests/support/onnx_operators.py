"""One-operator ONNX models on stored integers: Q/DQ around the operator, or its quantized form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class Operand:
    """A quantized tensor; `data` makes it a constant, `axis` gives it a scale per channel."""

    shape: tuple[int, ...]
    scale: float | Sequence[float]
    zero: int = 0
    data: np.ndarray | None = None
    axis: int | None = None


@dataclass
class Model:
    """Collects the parts of a model."""

    dtype: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def constant(self, name: str, values: object, dtype: object) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def operand(self, name: str, operand: Operand, dtype: str | None = None) -> list[str]:
        """Names of the tensor, its scale and its zero point."""
        dtype = dtype or self.dtype
        if operand.data is None:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            self.inputs.append(helper.make_tensor_value_info(name, kind, operand.shape))
        else:
            self.constant(name, operand.data, operand.data.dtype)
            dtype = operand.data.dtype.name
        return [name, *self.parameters(name, operand, dtype)]

    def parameters(self, name: str, operand: Operand, dtype: str) -> list[str]:
        scale = np.asarray(operand.scale, np.float32)
        zero = np.full(scale.shape, operand.zero)
        return [
            self.constant(f"{name}_scale", scale, np.float32),
            self.constant(f"{name}_zero", zero, dtype),
        ]

    def finished(self, shape: Sequence[int] | None, opset: int) -> onnx.ModelProto:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        output = helper.make_tensor_value_info("y", kind, shape)
        graph = helper.make_graph(self.nodes, "one", self.inputs, [output], self.constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def qdq(
    op: str, operands: Mapping[str, Operand], output: Operand, *, dtype: str = "uint8",
    extra: Mapping[str, np.ndarray] | None = None, opset: int = 17, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """DequantizeLinear on every operand, `op`, QuantizeLinear; `extra` are inputs as they are."""
    model = Model(dtype)
    names = []
    for name, operand in operands.items():
        given = model.operand(name, operand)
        axis = {} if operand.axis is None else {"axis": operand.axis}
        model.nodes.append(
            helper.make_node("DequantizeLinear", given, [f"{name}_real"], f"{name}_dq", **axis)
        )
        names.append(f"{name}_real")
    names += [model.constant(name, data, data.dtype) for name, data in (extra or {}).items()]
    model.nodes.append(helper.make_node(op, names, ["y_real"], "operator", **attributes))
    parameters = model.parameters("y", output, dtype)
    model.nodes.append(helper.make_node("QuantizeLinear", ["y_real", *parameters], ["y"], "y_q"))
    return model.finished(None, opset)


def qlinear(
    op: str, operands: Mapping[str, Operand], output: Operand, *, dtype: str = "uint8",
    bias: np.ndarray | None = None, bias_last: bool = True, output_first: bool = False,
    domain: str = MICROSOFT, **attributes: object,
) -> onnx.ModelProto:  # fmt: skip
    """The quantized form of an operator: each operand with scale and zero point, then the output's.

    An int32 `bias` follows the output's parameters (QLinearConv) or stands before them (QGemm);
    `output_first` puts the output's parameters first (QLinearConcat).
    """
    model = Model(dtype)
    names = [part for name, operand in operands.items() for part in model.operand(name, operand)]
    parameters = model.parameters("y", output, dtype)
    tail = [] if bias is None else [model.constant("bias", bias, np.int32)]
    ordered = [*names, *parameters, *tail] if bias_last else [*names, *tail, *parameters]
    if output_first:
        ordered = [*parameters, *names]
    model.nodes.append(
        helper.make_node(op, ordered, ["y"], "operator", domain=domain, **attributes)
    )
    return model.finished(None, 17)
