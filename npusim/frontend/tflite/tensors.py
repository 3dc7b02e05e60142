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
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    Format,
)
from npusim.numerics.quantization import Quantization

MAX_TENSOR_BYTES = 2**31
"""FlatBuffers themselves end at 2 GiB; a tensor that is larger is a damaged shape."""

FORMATS_BY_CODE: dict[int, Format] = {
    0: FP32, 1: FP16, 2: INT32, 3: UINT8, 4: INT64, 6: BOOL, 7: INT16, 9: INT8,
}  # fmt: skip
"""The TensorType codes of the schema that have a format here."""

_INDEX_FORMATS = (INT32, INT64, BOOL)
"""Formats of shapes, axes and the like, which may be empty."""

TYPE_NAMES = {5: "string", 8: "complex64", 10: "float64", 11: "complex128", 12: "uint64",
              13: "resource", 14: "variant", 15: "uint32", 16: "uint16", 17: "int4",
              18: "bfloat16"}  # fmt: skip


def type_problem(raw: RawTensor) -> str:
    """Why a tensor of this type is not supported; empty if it is."""
    if raw.special:
        return f"tensor '{raw.name}' is {raw.special}"
    if raw.type_code not in FORMATS_BY_CODE:
        found = TYPE_NAMES.get(raw.type_code, f"type {raw.type_code}")
        return f"tensor '{raw.name}' has the unsupported type {found}"
    return ""


def make_tensor(raw: RawTensor, name: str) -> Tensor:
    """The graph's tensor; ValueError with a reason if the file contradicts itself."""
    fmt = FORMATS_BY_CODE[raw.type_code]
    if 0 in raw.shape and fmt not in _INDEX_FORMATS:
        raise ValueError(f"shape {raw.shape} has no elements")
    size_bytes = prod(raw.shape) * fmt.storage_bytes
    if size_bytes > MAX_TENSOR_BYTES:
        raise ValueError(f"shape {raw.shape} takes {size_bytes} bytes, more than 2 GiB")
    data = None
    if raw.data is not None:
        if raw.data.size != size_bytes:
            raise ValueError(
                f"shape {raw.shape} takes {size_bytes} bytes, the file has {raw.data.size}"
            )
        data = np.frombuffer(raw.data.tobytes(), fmt.dtype).reshape(raw.shape)
    return Tensor(name, raw.shape, fmt, _quantization(raw, fmt), data)


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
