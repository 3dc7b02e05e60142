"""From one number format to another, as ONNX's Cast converts: no scale takes part.

Reals lose their fraction on the way to integers, and every value but zero is true. Integers wrap to
the width of a narrower integer format. A float is rounded once, to nearest, ties to even; what lies
beyond an 8-bit float becomes its greatest number (`saturate`, infinities as well), else infinity,
or NaN where the format has no infinity; the attribute means nothing for other formats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.floats import decode, encode
from npusim.numerics.formats import BOOL, FP8_E4M3, FP8_E5M2, Format

Array = np.ndarray

SATURATING = (FP8_E4M3, FP8_E5M2)
"""Formats for which `saturate` means something."""


class Conversion(NamedTuple):
    """From `source` to `target`; see the module's docstring for `saturate`."""

    source: Format
    target: Format
    saturate: bool = True


def converted(stored: Array, conversion: Conversion) -> Array:
    """`stored` numbers of the source's format as numbers of the target's, of the same shape.

    Reals outside the range of an integer format are undefined.
    """
    source, target, saturate = conversion
    values = decode(stored, source) if source.holds_codes else stored
    if target.holds_codes:
        return encode(values, target, saturate and target in SATURATING)
    with np.errstate(invalid="ignore", over="ignore"):
        if target.is_float or target == BOOL or target.bits >= 8:
            return values.astype(target.dtype)
        return _low_bits(values.astype(np.int64), target)


def _low_bits(values: Array, target: Format) -> Array:
    """int64 `values` wrapped to the width of an integer format narrower than a byte."""
    span = 1 << target.bits
    wrapped: Array = ((values - target.low) % span + target.low).astype(target.dtype)
    return wrapped
