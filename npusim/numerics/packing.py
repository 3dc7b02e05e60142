"""Integers of 4 bits, two to a byte: as ONNX and TFLite files hold them, and an NPU's memory.

The elements in order of the last axis fastest; of each pair the first is in the low four bits, the
second in the high ones; after an odd number the last high bits are zero. The pairs run on over the
ends of rows. (ONNX: the comments on `TensorProto.DataType` in onnx.proto; TFLite: `int4` in
`lite/kernels/internal/portable_tensor_utils.h`. Both state this order.)
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def packed_bytes(count: int) -> int:
    """Bytes that `count` integers of 4 bits take."""
    return (count + 1) // 2


def pack_int4(values: Array) -> Array:
    """int8 (-8..7) or uint8 (0..15) values of any shape as uint8 [packed_bytes(size)].

    Bits beyond the low four are dropped.
    """
    nibbles = values.reshape(-1).astype(np.uint8) & 15
    filled = np.zeros(2 * packed_bytes(nibbles.size), np.uint8)
    filled[: nibbles.size] = nibbles
    packed: Array = filled[0::2] | (filled[1::2] << 4)
    return packed


def unpack_int4(packed: Array, shape: tuple[int, ...], signed: bool) -> Array:
    """The values of `packed` (uint8, one axis): int8 or uint8 of `shape`, one an element.

    ValueError if `packed` is not uint8 or has not the bytes of `shape`.
    """
    count = int(np.prod(shape, dtype=np.int64))
    if packed.dtype != np.uint8 or packed.shape != (packed_bytes(count),):
        what = f"{packed.dtype} {packed.shape}"
        raise ValueError(f"{shape} of 4 bits need uint8 ({packed_bytes(count)},), not {what}")
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:count]
    if signed:
        return ((nibbles ^ 8).astype(np.int8) - np.int8(8)).reshape(shape)
    return nibbles.reshape(shape)
