"""Constants of an ONNX file as numpy arrays: sizes are checked before memory is taken.

External data is read from regular files below the model's own folder only: no absolute path, no
`..`, no symbolic link that leads out of it.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError

MAX_ELEMENTS = 2**31 - 1
"""Elements of one tensor; more do not fit the int32 indices of the kernels."""

DTYPES: dict[int, np.dtype] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.FLOAT16: np.dtype(np.float16),
    TensorProto.DOUBLE: np.dtype(np.float64),
    TensorProto.INT8: np.dtype(np.int8),
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.INT16: np.dtype(np.int16),
    TensorProto.UINT16: np.dtype(np.uint16),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.BOOL: np.dtype(np.bool_),
}

_TYPED_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
}


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
    needed = prod(shape) * dtype.itemsize
    if proto.data_location == TensorProto.EXTERNAL:
        raw = _external(proto, folder, needed)
    elif proto.HasField("raw_data"):
        raw = proto.raw_data
    else:
        return _typed(proto, dtype, shape)
    if len(raw) != needed:
        raise DamagedNodeError(f"has {len(raw)} bytes of data, its shape needs {needed}")
    little = dtype.newbyteorder("<")
    return np.frombuffer(raw, little).astype(dtype).reshape(shape)


def _typed(proto: TensorProto, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Data stored as numbers; the types without a field of their own are in `int32_data`."""
    values = getattr(proto, _TYPED_FIELDS.get(proto.data_type, "int32_data"))
    if len(values) != prod(shape):
        raise DamagedNodeError(f"has {len(values)} elements, its shape needs {prod(shape)}")
    if dtype == np.float16:
        return np.array(values, np.uint16).view(np.float16).reshape(shape)
    wide = np.array(values, dtype if dtype.kind == "f" else np.int64)
    array = wide.astype(dtype)
    if not np.array_equal(array, wide, equal_nan=dtype.kind == "f"):
        raise DamagedNodeError(f"has values outside the range of {dtype.name}")
    return array.reshape(shape)


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
