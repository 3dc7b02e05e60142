"""Constants of an ONNX file as numpy arrays: sizes are checked before memory is taken.

External data is read from regular files below the model's own folder only: no absolute path, no
`..`, no symbolic link that leads out of it.

Where numpy has no type for a format, an array of it has a structured type with one field, which is
called as the format is (`marked_type`): so numpy moves such constants as it moves others, and
refuses to compute with them.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.numerics.formats import (
    BF16,
    BOOL,
    FORMATS,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    INT4,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT4,
    UINT8,
    UINT16,
    Format,
    format_of,
)
from npusim.numerics.packing import packed_bytes, unpack_int4

MAX_ELEMENTS = 2**31 - 1
"""Elements of one tensor; more do not fit the int32 indices of the kernels."""

MARKED = (INT4, UINT4, FP8_E4M3, FP8_E5M2, BF16)
"""Formats that numpy has no type for."""


def marked_type(fmt: Format) -> np.dtype:
    """The numpy type of constants of `fmt` while a file is read; see the module's docstring."""
    return np.dtype([(fmt.name, fmt.dtype)]) if fmt in MARKED else np.dtype(fmt.dtype)


FORMAT_OF_TYPE: dict[int, Format] = {
    TensorProto.FLOAT: FP32,
    TensorProto.FLOAT16: FP16,
    TensorProto.BFLOAT16: BF16,
    TensorProto.FLOAT8E4M3FN: FP8_E4M3,
    TensorProto.FLOAT8E5M2: FP8_E5M2,
    TensorProto.INT4: INT4,
    TensorProto.UINT4: UINT4,
    TensorProto.INT8: INT8,
    TensorProto.UINT8: UINT8,
    TensorProto.INT16: INT16,
    TensorProto.UINT16: UINT16,
    TensorProto.INT32: INT32,
    TensorProto.INT64: INT64,
    TensorProto.BOOL: BOOL,
}
"""Formats that tensors can have, by ONNX's element type."""
DTYPES: dict[int, np.dtype] = {
    **{elem_type: marked_type(fmt) for elem_type, fmt in FORMAT_OF_TYPE.items()},
    TensorProto.DOUBLE: np.dtype(np.float64),
}
"""Types of constants: those, and float64, which shape arithmetic uses."""

_TYPED_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
}


def format_of_constant(data: np.ndarray) -> Format:
    """Format of a constant; UnsupportedNodeError if its type is none of a tensor."""
    if data.dtype.names is not None:
        return FORMATS[data.dtype.names[0]]
    try:
        return format_of(data.dtype)
    except KeyError:
        raise UnsupportedNodeError(f"{data.dtype.name} is not supported") from None


def unmarked(data: np.ndarray) -> np.ndarray:
    """The constant as tensors of the graph hold it."""
    return data if data.dtype.names is None else data[data.dtype.names[0]]


def marked(stored: np.ndarray, fmt: Format) -> np.ndarray:
    """The constant as it is while a file is read: the inverse of `unmarked`."""
    return np.ascontiguousarray(stored).reshape(stored.shape).view(marked_type(fmt))


def type_name(elem_type: int) -> str:
    """Name of an ONNX element type, or its number if the standard has no such type."""
    try:
        return str(TensorProto.DataType.Name(elem_type)).lower()
    except ValueError:
        return f"type {elem_type}"


def checked_shape(dims: Any) -> tuple[int, ...]:
    """Extents as a tuple; DamagedNodeError if one is negative or the tensor is too large."""
    shape = tuple(int(dim) for dim in dims)
    if any(extent < 0 for extent in shape):
        raise DamagedNodeError(f"has a negative extent in its shape {list(shape)}")
    if prod(shape) > MAX_ELEMENTS or any(extent > MAX_ELEMENTS for extent in shape):
        raise DamagedNodeError(f"has a shape {list(shape)} of more than {MAX_ELEMENTS} elements")
    return shape


def read_tensor(proto: TensorProto, folder: Path) -> np.ndarray:
    """The array of `proto`; `folder` holds the model and its external data."""
    dtype = DTYPES.get(proto.data_type)
    if dtype is None:
        raise UnsupportedNodeError(f"holds {type_name(proto.data_type)}, which is not supported")
    shape = checked_shape(proto.dims)
    fmt = FORMAT_OF_TYPE.get(proto.data_type)
    is_packed = fmt in (INT4, UINT4)
    needed = packed_bytes(prod(shape)) if is_packed else prod(shape) * dtype.itemsize
    if proto.data_location == TensorProto.EXTERNAL:
        raw = _external(proto, folder, needed)
    elif proto.HasField("raw_data"):
        raw = proto.raw_data
    else:
        return _typed(proto, dtype, shape, needed if is_packed else prod(shape))
    if len(raw) != needed:
        raise DamagedNodeError(f"has {len(raw)} bytes of data, its shape needs {needed}")
    if fmt is not None and is_packed:
        return _unpacked(np.frombuffer(raw, np.uint8), shape, fmt)
    plain = dtype if dtype.names is None else dtype[0]
    little = plain.newbyteorder("<")
    return np.frombuffer(raw, little).astype(plain).reshape(shape).view(dtype)


def _typed(
    proto: TensorProto, dtype: np.dtype, shape: tuple[int, ...], needed: int
) -> np.ndarray:  # fmt: skip
    """Data stored as `needed` numbers; types without a field of their own are in `int32_data`."""
    values = getattr(proto, _TYPED_FIELDS.get(proto.data_type, "int32_data"))
    if len(values) != needed:
        raise DamagedNodeError(f"has {len(values)} elements, its shape needs {needed}")
    fmt = FORMAT_OF_TYPE.get(proto.data_type)
    if fmt is not None and fmt in (INT4, UINT4):
        return _unpacked(_within(values, np.dtype(np.uint8), fmt.name), shape, fmt)
    if fmt is not None and (fmt == FP16 or fmt.holds_codes):
        codes = _within(values, np.dtype(f"uint{fmt.bits}"), fmt.name)
        return codes.view(dtype).reshape(shape)
    return _within(values, dtype, dtype.name).reshape(shape)


def _within(values: Any, dtype: np.dtype, name: str) -> np.ndarray:
    """`values` as `dtype`, which holds them all."""
    wide = np.array(values, dtype if dtype.kind == "f" else np.int64)
    array = wide.astype(dtype)
    if not np.array_equal(array, wide, equal_nan=dtype.kind == "f"):
        raise DamagedNodeError(f"has values outside the range of {name}")
    return array


def _unpacked(packed: np.ndarray, shape: tuple[int, ...], fmt: Format) -> np.ndarray:
    return marked(unpack_int4(packed, shape, signed=fmt == INT4), fmt)


def _external(proto: TensorProto, folder: Path, needed: int) -> bytes:
    entries = {entry.key: entry.value for entry in proto.external_data}
    location = entries.get("location", "")
    path = _inside(folder, location)
    offset = _number(entries, "offset", 0)
    length = _number(entries, "length", needed)
    if length != needed:
        raise DamagedNodeError(f"has {length} bytes of external data, its shape needs {needed}")
    try:
        if offset + length > path.stat().st_size:
            raise DamagedNodeError(f"reaches past the end of its external data '{location}'")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        reason = error.strerror or error
        raise DamagedNodeError(f"external data '{location}' can't be read: {reason}") from None


def _inside(folder: Path, location: str) -> Path:
    """The file at `location`, a relative path that stays below `folder`."""
    if not location or "\0" in location:
        raise DamagedNodeError("has external data without a valid location")
    relative = Path(location)
    outside = f"external data '{location}' lies outside the model's folder"
    if relative.is_absolute() or "\\" in location or ".." in relative.parts:
        raise DamagedNodeError(outside)
    root = folder.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise DamagedNodeError(outside)
    if not path.is_file():
        raise DamagedNodeError(f"external data '{location}' is not there")
    return path


def _number(entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, "")
    if not text:
        return default
    if not text.isdecimal():
        raise DamagedNodeError(f"has external data with {key} '{text}'")
    return int(text)
