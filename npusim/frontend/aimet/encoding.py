"""One AIMET encoding, whatever the version of the file: an affine grid of a named tensor.

Up to version 1 AIMET states offsets for codes that count from 0: real = scale * (code + offset),
code in 0 .. 2^bits - 1. A symmetric encoding is stored as signed integers, code - 2^(bits - 1);
any other as the unsigned code. So the zero point of the stored integers is -offset - 2^(bits - 1),
or -offset.

Source: AIMET's Encoding Format Specification, and what aimet-onnx 2.42 writes and reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from npusim.numerics.formats import (
    FP32,
    INT4,
    INT8,
    INT16,
    INT32,
    UINT4,
    UINT8,
    UINT16,
    Format,
)

Granularity = Literal["tensor", "channel", "block"]
Role = Literal["activation", "parameter", "any"]

SMALLEST_SCALE = float(np.finfo(np.float32).tiny)
LARGEST_SCALE = float(np.finfo(np.float32).max)
LARGEST_OFFSET = 2**32
"""In steps; a grid of 32 bits that contains 0 starts no further away from it."""

_INTEGERS = (INT4, UINT4, INT8, UINT8, INT16, UINT16, INT32)


@dataclass(frozen=True, eq=False)
class Encoding:
    """The grid of tensor `name`: real = scale * (q - zero_point), q stored in `low` .. `high`.

    `scale` (float32) and `zero_point` (int64) have the same shape: one element, one for each
    channel, or one for each block; flat unless the file states the shape. `axis` is the axis of
    the channels or blocks where the file states it. `where` names the entry in messages. A tensor
    of format FP32 stays as it is. `refusal` says why npusim has nothing that holds the grid; empty
    if it has.
    """

    name: str
    where: str
    role: Role
    format: Format
    scale: np.ndarray
    zero_point: np.ndarray
    low: int
    high: int
    granularity: Granularity = "tensor"
    axis: int | None = None
    block_size: int = 0
    refusal: str = ""

    @property
    def stays_float(self) -> bool:
        """True if the tensor is not quantized, and the file says so."""
        return self.format == FP32

    @property
    def saturates(self) -> bool:
        """True if the grid ends where the stored format ends, as QuantizeLinear saturates."""
        return (self.low, self.high) == (self.format.low, self.format.high)


def integer_encoding(
    name: str, where: str, role: Role, stored: str, scale: np.ndarray, zero_point: np.ndarray,
    granularity: Granularity, axis: int | None = None, block_size: int = 0, strict: bool = False,
) -> Encoding:  # fmt: skip
    """The encoding whose integers are `stored` (`int8`, `uint16`, ...); see `Encoding`.

    A `strict` grid leaves the lowest code out.
    """
    fmt = next((known for known in _INTEGERS if known.name == stored), None)
    refusal = ""
    if fmt is None:
        known = ", ".join(one.name for one in _INTEGERS)
        refusal = f"{stored} is not supported, {known} are"
        fmt = INT32
    elif np.any(zero_point < fmt.low) or np.any(zero_point > fmt.high):
        worst = zero_point.reshape(-1)[np.argmax(np.abs(zero_point))]
        refusal = f"its zero point {int(worst)} is outside {fmt.name}: 0 has no code of its own"
    low = fmt.low + 1 if strict else fmt.low
    return Encoding(
        name, where, role, fmt, scale.astype(np.float32), zero_point, low, fmt.high, granularity,
        axis, block_size, refusal,
    )  # fmt: skip


def float_encoding(name: str, where: str, role: Role, bits: int) -> Encoding:
    """The encoding of a tensor in floating point: 32 bits stay as they are, others are refused."""
    refusal = "" if bits == FP32.bits else f"float of {bits} bits is not supported, int and 32 are"
    none = np.zeros(0, np.float32)
    return Encoding(name, where, role, FP32, none, none.astype(np.int64), 0, 0, refusal=refusal)


def in_blocks(scale: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Scales of blocks as LPBQ states them: integers times scales of channels, in float32; flat."""
    found: np.ndarray = factors.astype(np.float32) * scale.astype(np.float32)
    return found.reshape(-1)


def stored_name(bits: int, signed: bool) -> str:
    """`int8`, `uint4`: the stored integers of so many bits."""
    return f"int{bits}" if signed else f"uint{bits}"


def zero_points(offset: np.ndarray, bits: int, signed: bool) -> np.ndarray:
    """Zero points of stored integers for offsets of codes that count from 0."""
    found: np.ndarray = -offset.astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    return found
