"""Number formats that tensors can have: name, width, range and numpy storage type."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Format:
    """A number format: `bits` wide; integers span [low, high].

    Arrays of it have numpy type `dtype`. Where numpy has no such type, integers of 4 bits are held
    one in a byte (two share one in the memory of an NPU, and in files), and `fp8_*` and `bf16` are
    held as their codes in an unsigned integer of their width (`numerics/floats.py` decodes them).
    """

    name: str
    bits: int
    dtype: str
    low: int = 0
    high: int = 0

    @property
    def is_integer(self) -> bool:
        """True for integer formats, quantized or not."""
        return self.high > self.low

    @property
    def is_float(self) -> bool:
        """True for floating-point formats."""
        return not self.is_integer

    @property
    def holds_codes(self) -> bool:
        """True if arrays hold codes, which have to be decoded to be numbers."""
        return self.is_float and self.dtype.startswith("uint")

    @property
    def storage_bytes(self) -> int:
        """Bytes of one element in memory."""
        return (self.bits + 7) // 8


INT4 = Format("int4", 4, "int8", -8, 7)
UINT4 = Format("uint4", 4, "uint8", 0, 15)
INT8 = Format("int8", 8, "int8", -128, 127)
UINT8 = Format("uint8", 8, "uint8", 0, 255)
INT16 = Format("int16", 16, "int16", -(2**15), 2**15 - 1)
UINT16 = Format("uint16", 16, "uint16", 0, 2**16 - 1)
INT32 = Format("int32", 32, "int32", -(2**31), 2**31 - 1)
INT64 = Format("int64", 64, "int64", -(2**63), 2**63 - 1)
BOOL = Format("bool", 8, "bool", 0, 1)
FP8_E4M3 = Format("fp8_e4m3", 8, "uint8")
FP8_E5M2 = Format("fp8_e5m2", 8, "uint8")
FP16 = Format("fp16", 16, "float16")
BF16 = Format("bf16", 16, "uint16")
FP32 = Format("fp32", 32, "float32")

_OWN_TYPE = (INT8, UINT8, INT16, UINT16, INT32, INT64, BOOL, FP16, FP32)
"""Formats with a numpy type of their own."""
FORMATS = {f.name: f for f in (*_OWN_TYPE, INT4, UINT4, FP8_E4M3, FP8_E5M2, BF16)}
_BY_DTYPE = {f.dtype: f for f in _OWN_TYPE}


_OTHER = re.compile(r"(?P<kind>u?int|fp|bf)(?P<bits>\d+)(_\w+)?")
"""Names of formats that tensors can be counted in: their width is in the name."""


def format_named(name: str) -> Format:
    """The format called `name`; one that nothing is stored in is known by its width only.

    KeyError for a name that is not one of a number format.
    """
    if name in FORMATS:
        return FORMATS[name]
    found = _OTHER.fullmatch(name)
    if found is None:
        raise KeyError(name)
    bits = int(found["bits"])
    low, high = {"int": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), "uint": (0, 2**bits - 1)}.get(
        found["kind"], (0, 0)
    )
    return Format(name, bits, name, low, high)


def format_of(dtype: np.typing.DTypeLike) -> Format:
    """The format that numpy type `dtype` is made for; KeyError if there is none."""
    return _BY_DTYPE[np.dtype(dtype).name]
