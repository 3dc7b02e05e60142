"""A small writer of .tflite files, so that tests can prove one operator at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

from npusim.numerics.packing import pack_int4

_TYPES = {
    "bool": tflite.TensorType.BOOL,
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "int32": tflite.TensorType.INT32,
    "int64": tflite.TensorType.INT64,
    "int8": tflite.TensorType.INT8,
    "uint8": tflite.TensorType.UINT8,
    "int16": tflite.TensorType.INT16,
    "int4": 17,
    "resource": tflite.TensorType.RESOURCE,
}
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3


@dataclass
class _Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: Any = None
    zero_point: Any = 0
    axis: int = 0
    data: np.ndarray | None = None
    is_variable: bool = False
    signature: tuple[int, ...] | None = None


@dataclass
class TinyModel:
    """Tensors and operators in order; `content()` is the file.

    `called` are further subgraphs, numbered from 1; `intermediates` are tensor indices by operator.
    """

    tensors: list[_Tensor] = field(default_factory=list)
    operators: list[tuple[str, tuple[int, ...], tuple[int, ...], str, dict[str, Any], int]] = field(
        default_factory=list
    )
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    called: list[TinyModel] = field(default_factory=list)
    intermediates: dict[int, list[int]] = field(default_factory=dict)

    def tensor(
        self, name: str, shape: Sequence[int], dtype: str = "int8", scale: Any = None,
        zero_point: Any = 0, axis: int = 0, data: np.ndarray | None = None,
    ) -> int:  # fmt: skip
        """Add a tensor; its index."""
        self.tensors.append(_Tensor(name, tuple(shape), dtype, scale, zero_point, axis, data))
        return len(self.tensors) - 1

    def constant(self, name: str, data: np.ndarray, scale: Any = None, zero_point: Any = 0,
                 axis: int = 0, dtype: str = "") -> int:  # fmt: skip
        """Add a constant, of `dtype` if it is not that of the array (int4); its index."""
        return self.tensor(
            name, data.shape, dtype or data.dtype.name, scale, zero_point, axis, data
        )

    def operator(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], table: str = "",
        version: int = 3, **options: Any,
    ) -> None:  # fmt: skip
        """Add an operator; `options` are fields of the options table `table`."""
        self.operators.append((kind, tuple(inputs), tuple(outputs), table, options, version))

    def content(self) -> bytes:
        """The file."""
        b = flatbuffers.Builder(1024)
        buffers, codes, graphs = [self._buffer(b, None)], [], []
        for graph in (self, *self.called):
            graphs.append(graph._graph(b, buffers, codes))
        graphs = _offsets(b, tflite.ModelStartSubgraphsVector, graphs)
        code_vector = _offsets(b, tflite.ModelStartOperatorCodesVector, codes)
        buffer_vector = _offsets(b, tflite.ModelStartBuffersVector, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, code_vector)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffer_vector)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    def _graph(self, b: flatbuffers.Builder, buffers: list[int], codes: list[int]) -> int:
        """Write the subgraph; its buffers and operator codes are added to the lists."""
        indices = []
        for tensor in self.tensors:
            indices.append(0 if tensor.data is None else len(buffers))
            if tensor.data is not None:
                data = pack_int4(tensor.data) if tensor.dtype == "int4" else tensor.data
                buffers.append(self._buffer(b, data))
        tensors = [self._tensor(b, t, i) for t, i in zip(self.tensors, indices, strict=True)]
        first = len(codes)
        codes += [self._code(b, kind, version) for kind, *_, version in self.operators]
        operators = [
            self._operator(b, first + i, op, self.intermediates.get(i))
            for i, op in enumerate(self.operators)
        ]
        tensor_vector = _offsets(b, tflite.SubGraphStartTensorsVector, tensors)
        operator_vector = _offsets(b, tflite.SubGraphStartOperatorsVector, operators)
        inputs = b.CreateNumpyVector(np.array(self.inputs, np.int32))
        outputs = b.CreateNumpyVector(np.array(self.outputs, np.int32))
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensor_vector)
        tflite.SubGraphAddOperators(b, operator_vector)
        tflite.SubGraphAddInputs(b, inputs)
        tflite.SubGraphAddOutputs(b, outputs)
        return tflite.SubGraphEnd(b)

    @staticmethod
    def _buffer(b: flatbuffers.Builder, data: np.ndarray | None) -> int:
        vector = None
        if data is not None:
            stored = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            b.StartVector(1, stored.size, 16)
            b.head -= stored.size
            b.Bytes[b.head : b.head + stored.size] = stored.tobytes()
            vector = b.EndVector()
        tflite.BufferStart(b)
        if vector is not None:
            tflite.BufferAddData(b, vector)
        return tflite.BufferEnd(b)

    @staticmethod
    def _tensor(b: flatbuffers.Builder, tensor: _Tensor, buffer: int) -> int:
        name = b.CreateString(tensor.name)
        shape = b.CreateNumpyVector(np.array(tensor.shape, np.int32))
        quantization = None
        if tensor.scale is not None:
            scale = np.atleast_1d(np.asarray(tensor.scale, np.float32))
            zeros = np.broadcast_to(np.asarray(tensor.zero_point, np.int64), scale.shape).copy()
            scale_vector, zero_vector = b.CreateNumpyVector(scale), b.CreateNumpyVector(zeros)
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scale_vector)
            tflite.QuantizationParametersAddZeroPoint(b, zero_vector)
            tflite.QuantizationParametersAddQuantizedDimension(b, tensor.axis)
            quantization = tflite.QuantizationParametersEnd(b)
        signature = None
        if tensor.signature is not None:
            signature = b.CreateNumpyVector(np.array(tensor.signature, np.int32))
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, _TYPES[tensor.dtype])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if signature is not None:
            tflite.TensorAddShapeSignature(b, signature)
        tflite.TensorAddIsVariable(b, tensor.is_variable)
        if quantization is not None:
            tflite.TensorAddQuantization(b, quantization)
        return tflite.TensorEnd(b)

    @staticmethod
    def _code(b: flatbuffers.Builder, kind: str, version: int) -> int:
        number = getattr(tflite.BuiltinOperator, kind)
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, version)
        return tflite.OperatorCodeEnd(b)

    @staticmethod
    def _operator(
        b: flatbuffers.Builder, code: int, operator: tuple[Any, ...], between: list[int] | None
    ) -> int:
        _, ins, outs, table, options, _ = operator
        inputs = b.CreateNumpyVector(np.array(ins, np.int32))
        outputs = b.CreateNumpyVector(np.array(outs, np.int32))
        end = None
        between_vector = None if between is None else b.CreateNumpyVector(np.int32(between))
        if table:
            options = {
                name: b.CreateString(value) if isinstance(value, str) else value
                for name, value in options.items()
            }
            getattr(tflite, f"{table}Start")(b)
            for name, value in options.items():
                getattr(tflite, f"{table}Add{name}")(b, value)
            end = getattr(tflite, f"{table}End")(b)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, code)
        tflite.OperatorAddInputs(b, inputs)
        tflite.OperatorAddOutputs(b, outputs)
        if between_vector is not None:
            tflite.OperatorAddIntermediates(b, between_vector)
        if end is not None:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(b, end)
        return tflite.OperatorEnd(b)


def _offsets(b: flatbuffers.Builder, start: Any, offsets: Sequence[int]) -> int:
    start(b, len(offsets))
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()
