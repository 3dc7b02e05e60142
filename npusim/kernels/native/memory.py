"""What all C wrappers share: pointers to arrays, strides in elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from npusim.kernels._native import ffi as ffi
from npusim.kernels._native import lib as lib

Array = np.ndarray

_POINTER_TYPES = {
    np.dtype(np.int8): ffi.typeof("uint8_t *"),
    np.dtype(np.uint8): ffi.typeof("uint8_t *"),
    np.dtype(np.int16): ffi.typeof("uint8_t *"),
    np.dtype(np.uint16): ffi.typeof("uint8_t *"),
    np.dtype(np.int32): ffi.typeof("int32_t *"),
    np.dtype(np.int64): ffi.typeof("int64_t *"),
    np.dtype(np.float32): ffi.typeof("float *"),
    np.dtype(np.float64): ffi.typeof("double *"),
}
CACHE_LINE_BYTES = 64
"""Of all processors that the kernels have vector instructions for, and the longest vector."""
_INT64S = ffi.typeof("int64_t[]")


def pointer(array: Array) -> Any:
    """The address of the first element, with the C type of the array's elements.

    8-bit and 16-bit values pass as `uint8_t *`. The caller keeps the array alive during the call.
    """
    return ffi.cast(_POINTER_TYPES[array.dtype], array.__array_interface__["data"][0])


def int64s(values: Iterable[int]) -> Any:
    """A C array of int64."""
    return ffi.new(_INT64S, list(values))


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


def four_axes(*arrays: Array) -> Iterator[list[Array]]:
    """Equal-shaped arrays in views of four axes: one long axis where all are contiguous."""
    rank = arrays[0].ndim
    if all(array.flags.c_contiguous for array in arrays):
        yield [array.reshape(1, 1, 1, -1) for array in arrays]
    elif rank > 4:
        for index in range(arrays[0].shape[0]):
            yield from four_axes(*(array[index] for array in arrays))
    else:
        yield [array[(None,) * (4 - rank)] for array in arrays]


def contiguous(array: Array, dtype: Any) -> Array:
    """`array` itself if it is contiguous and of `dtype`, else a copy that is."""
    return np.ascontiguousarray(array, dtype)


def aligned(size: int) -> Array:
    """`size` bytes, unset, that begin where a cache line does: a vector's load then touches one."""
    space = np.empty(size + CACHE_LINE_BYTES - 1, np.uint8)
    first = -space.__array_interface__["data"][0] % CACHE_LINE_BYTES
    return space[first : first + size]


def require_memory(status: int) -> None:
    """MemoryError if a kernel could not get its scratch memory."""
    if status == lib.NPUSIM_NO_MEMORY:
        raise MemoryError("a kernel found no memory for its intermediate values")
