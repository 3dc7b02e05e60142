"""The tables of a .tflite file as plain, bounded Python data.

A .tflite file is a FlatBuffer; its accessors trust every offset in it. All access to them is here,
behind one guard: whatever a damaged file makes them raise becomes a ModelFileError. What leaves
this module holds no offsets, and its sizes were compared with the file's size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from npusim.errors import ModelFileError, Problem, UsageError

FILE_IDENTIFIER = b"TFL3"
MAX_ITEMS = 100_000
"""Largest number of tensors, operators or dimensions that is taken for real."""

_DAMAGE = (
    struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, KeyError,
    MemoryError, RecursionError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class RawTensor:
    """A tensor of the file: name, shape, TensorType code, constant bytes, quantization."""

    name: str
    shape: tuple[int, ...]
    type_code: int
    data: np.ndarray | None
    scale: np.ndarray
    zero_point: np.ndarray
    quantized_dimension: int
    special: str
    """"sparse" or "variable" for a tensor that is not an ordinary dense one, else empty."""
    signature: tuple[int, ...] = ()
    """The shape with -1 for each extent that the model leaves to whoever runs it; `shape` has a 1
    there. Empty where the file states the shape alone."""

    @property
    def is_open(self) -> bool:
        """True if an extent is left open."""
        return any(extent < 0 for extent in self.signature)


@dataclass(frozen=True)
class RawOperator:
    """An operator of the file: its name in the schema, tensor indices (-1: absent), options.

    `number` is its place in the file.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, eq=False)
class RawGraph:
    """A subgraph of the file."""

    tensors: tuple[RawTensor, ...]
    operators: tuple[RawOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RawModel(RawGraph):
    """The main subgraph of the file, and by number those that it calls once, before it starts."""

    called: Mapping[int, RawGraph] = field(default_factory=dict)


_WINDOW = ("Padding", "StrideW", "StrideH", "FilterWidth", "FilterHeight")
_CONV = ("Padding", "StrideW", "StrideH", "DilationWFactor", "DilationHFactor")
_RESIZE = ("AlignCorners", "HalfPixelCenters")
_ACTIVATION = "FusedActivationFunction"
_FIXED_POINT = "PotScaleInt16"
OPTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": ("Conv2DOptions", (*_CONV, _ACTIVATION)),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", (*_CONV, "DepthMultiplier", _ACTIVATION)),
    "TRANSPOSE_CONV": (
        "TransposeConvOptions",
        ("Padding", "StrideW", "StrideH", _ACTIVATION),
    ),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        (_ACTIVATION, "WeightsFormat", "KeepNumDims", "QuantizedBiasType"),
    ),
    "ADD": ("AddOptions", (_ACTIVATION, _FIXED_POINT)),
    "SUB": ("SubOptions", (_ACTIVATION, _FIXED_POINT)),
    "MUL": ("MulOptions", (_ACTIVATION,)),
    "DIV": ("DivOptions", (_ACTIVATION,)),
    "AVERAGE_POOL_2D": ("Pool2DOptions", (*_WINDOW, _ACTIVATION)),
    "MAX_POOL_2D": ("Pool2DOptions", (*_WINDOW, _ACTIVATION)),
    "MEAN": ("ReducerOptions", ("KeepDims",)),
    "SUM": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_MAX": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_MIN": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_PROD": ("ReducerOptions", ("KeepDims",)),
    "L2_NORMALIZATION": ("L2NormOptions", (_ACTIVATION,)),
    "SOFTMAX": ("SoftmaxOptions", ("Beta",)),
    "GELU": ("GeluOptions", ("Approximate",)),
    "LEAKY_RELU": ("LeakyReluOptions", ("Alpha",)),
    "BATCH_MATMUL": ("BatchMatMulOptions", ("AdjX", "AdjY", "AsymmetricQuantizeInputs")),
    "CALL_ONCE": ("CallOnceOptions", ("InitSubgraphIndex",)),
    "VAR_HANDLE": ("VarHandleOptions", ("Container", "SharedName")),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        (_ACTIVATION, "CellClip", "ProjClip", "TimeMajor", "DiagonalRecurrentTensors"),
    ),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset"),
    ),
    "PACK": ("PackOptions", ("Axis",)),
    "UNPACK": ("UnpackOptions", ("Axis",)),
    "GATHER": ("GatherOptions", ("Axis", "BatchDims")),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", ("BlockSize",)),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
    "MIRROR_PAD": ("MirrorPadOptions", ("Mode",)),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", _RESIZE),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", _RESIZE),
    "RESHAPE": ("ReshapeOptions", ("NewShape",)),
    "SQUEEZE": ("SqueezeOptions", ("SqueezeDims",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", _ACTIVATION)),
}
"""For each operator with options that matter: the options table and its fields."""

_LISTS = ("NewShape", "SqueezeDims")
"""Those fields that are lists of integers."""


def read_tables(content: bytes, where: str) -> RawModel:
    """Parse `content`; ModelFileError, at `where`, if it is not a sound TFLite FlatBuffer."""
    schema = _schema()
    if len(content) < 8 or content[4:8] != FILE_IDENTIFIER:
        raise ModelFileError(Problem(where, "not a TFLite model: the identifier TFL3 is missing"))
    section = ["header"]
    try:
        return _Parser(schema, content, section).model()
    except _DAMAGE as error:
        detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        what = f"damaged TFLite model: the {section[0]} can't be read ({detail})"
        raise ModelFileError(Problem(where, what)) from None


def _schema() -> Any:
    try:
        import tflite
    except ImportError:
        what = "reading TFLite models needs the package tflite: pip install 'npusim[tflite]'"
        raise UsageError(Problem("", what)) from None
    return tflite


class _Parser:
    """Walks the tables; `section` holds what is being read, for the message."""

    def __init__(self, schema: Any, content: bytes, section: list[str]) -> None:
        self.schema = schema
        self.content = content
        self.section = section
        codes = vars(schema.BuiltinOperator)
        self.names = {code: name for name, code in codes.items() if isinstance(code, int)}

    def model(self) -> RawModel:
        model = self.schema.Model.GetRootAs(self.content, 0)
        count = model.SubgraphsLength()
        if count < 1:
            raise ValueError("no subgraph")
        self.section[0] = "operator codes"
        kinds = [self._kind(model.OperatorCodes(i)) for i in _count(model.OperatorCodesLength())]
        main = self._graph(model, model.Subgraphs(0), kinds)
        called = {}
        for operator in main.operators:
            number = operator.options.get("InitSubgraphIndex", 0)
            if operator.kind == "CALL_ONCE":
                if not 0 < number < count:
                    raise IndexError(f"CALL_ONCE of subgraph {number} of {count}")
                called[number] = self._graph(model, model.Subgraphs(number), kinds)
        return RawModel(main.tensors, main.operators, main.inputs, main.outputs, called)

    def _graph(self, model: Any, graph: Any, kinds: list[str]) -> RawGraph:
        tensors = []
        for index in _count(graph.TensorsLength()):
            self.section[0] = f"tensor {index}"
            tensors.append(self._tensor(model, graph.Tensors(index)))
        operators = []
        for index in _count(graph.OperatorsLength()):
            self.section[0] = f"operator {index}"
            operator = self._operator(graph.Operators(index), kinds, len(tensors))
            operators.append(replace(operator, number=index))
        self.section[0] = "list of inputs and outputs"
        inputs = _indices(graph.InputsAsNumpy, graph.InputsLength(), len(tensors), absent=False)
        outputs = _indices(graph.OutputsAsNumpy, graph.OutputsLength(), len(tensors), absent=False)
        computed = {index for operator in operators for index in operator.outputs}.union(inputs)
        for index, tensor in enumerate(tensors):  # what is empty and nobody computes is constant
            if 0 in tensor.shape and tensor.data is None and index not in computed:
                tensors[index] = replace(tensor, data=np.empty(0, np.uint8))
        return RawGraph(tuple(tensors), tuple(operators), inputs, outputs)

    def _kind(self, code: Any) -> str:
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number == self.schema.BuiltinOperator.CUSTOM:
            custom = (code.CustomCode() or b"").decode("utf-8", "replace")
            return f"CUSTOM {custom}".strip()
        return str(self.names.get(number, f"operator code {number}"))

    def _tensor(self, model: Any, tensor: Any) -> RawTensor:
        shape = _vector(tensor.ShapeAsNumpy, tensor.ShapeLength(), np.int64)
        if shape.size > 16 or (shape < 0).any():
            raise ValueError(f"shape {shape[:16].tolist()}")
        scale, zero_point, dimension = _quantization(tensor.Quantization())
        special = "variable" if tensor.IsVariable() else ""
        special = "sparse" if tensor.Sparsity() is not None else special
        return RawTensor(
            (tensor.Name() or b"").decode("utf-8", "replace"),
            tuple(int(extent) for extent in shape),
            tensor.Type(),
            self._buffer(model, tensor.Buffer()),
            scale, zero_point, dimension, special,
            self._signature(tensor, shape.size),
        )  # fmt: skip

    @staticmethod
    def _signature(tensor: Any, rank: int) -> tuple[int, ...]:
        """The tensor's shape signature; empty if there is none."""
        found = _vector(tensor.ShapeSignatureAsNumpy, tensor.ShapeSignatureLength(), np.int64)
        if found.size not in (0, rank) or (found < -1).any():
            raise ValueError(f"shape signature {found[:16].tolist()} of a shape of rank {rank}")
        return tuple(int(extent) for extent in found)

    def _buffer(self, model: Any, index: int) -> np.ndarray | None:
        """The bytes of buffer `index` (0 is the empty one); None if it holds nothing."""
        if not 0 <= index < model.BuffersLength():
            raise IndexError(f"buffer {index} of {model.BuffersLength()}")
        buffer = model.Buffers(index)
        if buffer.Offset() > 1:
            offset, size = buffer.Offset(), buffer.Size()
            if offset + size > len(self.content):
                raise IndexError(f"buffer {index} reaches beyond the file")
            return np.frombuffer(self.content, np.uint8, size, offset)
        if index == 0 or buffer.DataLength() == 0:
            return None
        return _vector(buffer.DataAsNumpy, buffer.DataLength(), np.uint8, len(self.content))

    def _operator(self, operator: Any, kinds: list[str], tensors: int) -> RawOperator:
        if not 0 <= operator.OpcodeIndex() < len(kinds):
            raise IndexError(f"operator code {operator.OpcodeIndex()} of {len(kinds)}")
        kind = kinds[operator.OpcodeIndex()]
        inputs = _indices(operator.InputsAsNumpy, operator.InputsLength(), tensors, absent=True)
        outputs = _indices(operator.OutputsAsNumpy, operator.OutputsLength(), tensors, absent=False)
        options = self._options(operator, kind)
        if operator.IntermediatesLength():
            options["Intermediates"] = _indices(
                operator.IntermediatesAsNumpy, operator.IntermediatesLength(), tensors, absent=True
            )
        return RawOperator(kind, inputs, outputs, options)

    def _options(self, operator: Any, kind: str) -> dict[str, Any]:
        """The fields of the options table; the schema's defaults if the table is absent."""
        if kind not in OPTIONS:
            return {}
        table_name, fields = OPTIONS[kind]
        raw = operator.BuiltinOptions()
        if raw is None:
            return {}
        if operator.BuiltinOptionsType() != getattr(self.schema.BuiltinOptions, table_name):
            raise ValueError(f"{kind} does not have {table_name}")
        table = getattr(self.schema, table_name)()
        table.Init(raw.Bytes, raw.Pos)
        return {
            name: self._numbers(table, name) if name in _LISTS else getattr(table, name)()
            for name in fields
        }

    @staticmethod
    def _numbers(table: Any, name: str) -> tuple[int, ...]:
        """A field that is a list of integers."""
        values = _vector(
            getattr(table, f"{name}AsNumpy"), getattr(table, f"{name}Length")(), np.int64
        )
        return tuple(int(value) for value in values)


def _quantization(table: Any) -> tuple[np.ndarray, np.ndarray, int]:
    if table is None:
        return np.empty(0, np.float32), np.empty(0, np.int64), 0
    scale = _vector(table.ScaleAsNumpy, table.ScaleLength(), np.float32)
    zero_point = _vector(table.ZeroPointAsNumpy, table.ZeroPointLength(), np.int64)
    return scale, zero_point, table.QuantizedDimension()


def _count(length: int) -> range:
    if not 0 <= length <= MAX_ITEMS:
        raise ValueError(f"{length} items")
    return range(length)


def _vector(
    read: Callable[[], Any], length: int, dtype: np.typing.DTypeLike, limit: int = MAX_ITEMS
) -> np.ndarray:
    """A vector of the file with `length` elements as an array of `dtype`."""
    if length == 0:
        return np.empty(0, dtype)
    if not 0 < length <= limit:
        raise ValueError(f"a vector of {length} elements")
    values = np.asarray(read())
    if values.size != length:
        raise ValueError(f"{values.size} of {length} elements")
    return values.astype(dtype, copy=False)


def _indices(
    read: Callable[[], Any], length: int, tensors: int, *, absent: bool
) -> tuple[int, ...]:
    """Tensor indices, each in [0, tensors), or -1 where an absent tensor is allowed."""
    values = tuple(int(value) for value in _vector(read, length, np.int64))
    lowest = -1 if absent else 0
    if any(not lowest <= value < tensors for value in values):
        raise IndexError(f"tensor indices {values[:8]} of {tensors} tensors")
    return values
