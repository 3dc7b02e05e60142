"""What all C wrappers share: checks of arrays, pointers to them, strides in elements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from npusim.kernels._native import ffi as ffi  # type: ignore[import-not-found]
from npusim.kernels._native import lib as lib

Array = np.ndarray

EIGHT_BIT = ("int8", "uint8")


def require(condition: bool, what: str) -> None:
    """ValueError with `what` unless `condition` holds."""
    if not condition:
        raise ValueError(what)


def require_array(name: str, array: Array, dtypes: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """ValueError unless `array` has one of `dtypes` (native byte order) and `shape`."""
    require(
        array.dtype.name in dtypes and array.dtype.isnative,
        f"{name} must be {' or '.join(dtypes)}, not {array.dtype}",
    )
    require(array.shape == shape, f"{name} has shape {array.shape}, expected {shape}")


def require_writable(name: str, array: Array) -> None:
    """ValueError for an array that must not be written."""
    require(array.flags.writeable, f"{name} is read-only")


def pointer(array: Array) -> Any:
    """The address of the first element, with the C type of the array's elements.

    8-bit values pass as `uint8_t *`. The caller keeps the array alive during the call.
    """
    name = array.dtype.name
    ctype = {"float32": "float", "float64": "double"}.get(name, f"{name}_t")
    if name in EIGHT_BIT or name == "bool":
        ctype = "uint8_t"
    return ffi.cast(f"{ctype} *", array.__array_interface__["data"][0])


def int64s(values: Iterable[int]) -> Any:
    """A C array of int64."""
    return ffi.new("int64_t[]", [int(value) for value in values])


def element_strides(array: Array) -> Any:
    """The strides of `array` in elements, as a C array.

    An axis of extent 1 may have any stride in numpy; it gets the one of a contiguous array, so
    that C sees runs where there are some.
    """
    strides = [stride // array.itemsize for stride in array.strides]
    run = 1
    for axis in reversed(range(array.ndim)):
        if array.shape[axis] == 1:
            strides[axis] = run
        run *= array.shape[axis]
    return int64s(strides)


def contiguous(array: Array, dtype: Any) -> Array:
    """`array` itself if it is contiguous and of `dtype`, else a copy that is."""
    return np.ascontiguousarray(array, dtype)


def require_memory(status: int) -> None:
    """MemoryError if a kernel could not get its scratch memory."""
    if status == lib.NPUSIM_NO_MEMORY:
        raise MemoryError("a kernel found no memory for its intermediate values")
