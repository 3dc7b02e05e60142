"""From a tensor of the file to a tensor of the graph: format, data, quantization, all checked."""

from __future__ import annotations

from math import prod

import numpy as np

from npusim.frontend.tflite.tables import RawTensor
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import (
    BOOL,
    FP16,
    FP32,
    INT4,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    Format,
)
from npusim.numerics.packing import packed_bytes, unpack_int4
from npusim.numerics.quantization import Quantization

MAX_TENSOR_BYTES = 2**31
"""FlatBuffers themselves end at 2 GiB; a tensor that is larger is a damaged shape."""

FORMATS_BY_CODE: dict[int, Format] = {
    0: FP32, 1: FP16, 2: INT32, 3: UINT8, 4: INT64, 6: BOOL, 7: INT16, 9: INT8,
    17: INT4,
}  # fmt: skip
"""The TensorType codes of the schema that have a format here."""

_INDEX_FORMATS = (INT32, INT64, BOOL)
"""Formats of shapes, axes and the like, which may be empty."""

TYPE_NAMES = {5: "string", 8: "complex64", 10: "float64", 11: "complex128", 12: "uint64",
              13: "resource", 14: "variant", 15: "uint32", 16: "uint16",
              18: "bfloat16"}  # fmt: skip


INT4_PLACES = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "DEQUANTIZE": 0}
"""The input that may be int4, by operator: weights, and what is dequantized."""


def place_problem(kind: str, place: int, raw: RawTensor) -> str:
    """Why input `place` of an operator of `kind` can't be this tensor; empty if it can."""
    if FORMATS_BY_CODE.get(raw.type_code) == INT4 and INT4_PLACES.get(kind) != place:
        return f"tensor '{raw.name}' is int4, which is supported for weights"
    return ""


def type_problem(raw: RawTensor) -> str:
    """Why a tensor of this type is not supported; empty if it is."""
    if raw.special:
        return f"tensor '{raw.name}' is {raw.special}"
    if raw.type_code not in FORMATS_BY_CODE:
        found = TYPE_NAMES.get(raw.type_code, f"type {raw.type_code}")
        return f"tensor '{raw.name}' has the unsupported type {found}"
    fmt = FORMATS_BY_CODE[raw.type_code]
    if fmt == INT4 and raw.data is None:
        return f"tensor '{raw.name}' is int4, but no constant"
    if fmt == INT16 and raw.scale.size and raw.zero_point.any():
        return f"tensor '{raw.name}' is int16 with a zero point that is not 0"
    return ""


def make_tensor(raw: RawTensor, name: str) -> Tensor:
    """The graph's tensor; ValueError with a reason if the file contradicts itself."""
    fmt = FORMATS_BY_CODE[raw.type_code]
    if 0 in raw.shape and fmt not in _INDEX_FORMATS:
        raise ValueError(f"shape {raw.shape} has no elements")
    size = prod(raw.shape)
    size_bytes = packed_bytes(size) if fmt == INT4 else size * fmt.storage_bytes
    if size_bytes > MAX_TENSOR_BYTES:
        raise ValueError(f"shape {raw.shape} takes {size_bytes} bytes, more than 2 GiB")
    data = None
    if raw.data is not None:
        if raw.data.size != size_bytes:
            raise ValueError(
                f"shape {raw.shape} takes {size_bytes} bytes, the file has {raw.data.size}"
            )
        data = _values(raw, fmt)
    return Tensor(name, raw.shape, fmt, _quantization(raw, fmt), data)


def _values(raw: RawTensor, fmt: Format) -> np.ndarray:
    """The constant, whose bytes are as many as its shape says; int4 is one value a byte here."""
    assert raw.data is not None
    if fmt == INT4:
        return unpack_int4(raw.data.astype(np.uint8, copy=False), raw.shape, signed=True)
    return np.frombuffer(raw.data.tobytes(), fmt.dtype).reshape(raw.shape)


def _quantization(raw: RawTensor, fmt: Format) -> Quantization | None:
    """Scales and zero points; None for a tensor that has none (float, or plain integers)."""
    scale, zero_point = raw.scale, raw.zero_point
    if not fmt.is_integer or scale.size == 0:
        return None
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("a scale is not a positive number")
    if zero_point.size == 0:
        zero_point = np.zeros(1, np.int64)
    if (zero_point < fmt.low).any() or (zero_point > fmt.high).any():
        raise ValueError(f"a zero point is outside {fmt.name}")
    if zero_point.size not in (1, scale.size):
        raise ValueError(f"{scale.size} scales, but {zero_point.size} zero points")
    zero_point = zero_point.astype(np.int32)
    if scale.size == 1:
        return Quantization(scale, zero_point)
    axis = raw.quantized_dimension
    if not 0 <= axis < len(raw.shape) or raw.shape[axis] != scale.size:
        raise ValueError(f"{scale.size} scales do not fit axis {axis} of shape {raw.shape}")
    return Quantization(scale, np.broadcast_to(zero_point, scale.size).copy(), axis)
