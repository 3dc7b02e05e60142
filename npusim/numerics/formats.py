"""Number formats that tensors can have: name, width, range and numpy storage type."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Format:
    """A number format: `bits` wide, stored in numpy type `dtype`; integers span [low, high]."""

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
    def storage_bytes(self) -> int:
        """Bytes of one element in memory."""
        return (self.bits + 7) // 8


INT8 = Format("int8", 8, "int8", -128, 127)
UINT8 = Format("uint8", 8, "uint8", 0, 255)
INT16 = Format("int16", 16, "int16", -(2**15), 2**15 - 1)
INT32 = Format("int32", 32, "int32", -(2**31), 2**31 - 1)
INT64 = Format("int64", 64, "int64", -(2**63), 2**63 - 1)
BOOL = Format("bool", 8, "bool", 0, 1)
FP16 = Format("fp16", 16, "float16")
FP32 = Format("fp32", 32, "float32")

FORMATS = {f.name: f for f in (INT8, UINT8, INT16, INT32, INT64, BOOL, FP16, FP32)}
_BY_DTYPE = {f.dtype: f for f in FORMATS.values()}


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
    """The format stored in numpy type `dtype`; KeyError for a type that no format uses."""
    return _BY_DTYPE[np.dtype(dtype).name]
