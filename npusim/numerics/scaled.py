"""Quantization and dequantization with a scale for each element, in any pair of formats.

As ONNX defines QuantizeLinear and DequantizeLinear:

    q = clamp(rint(x / scale) + zero) in integer formats, round(x / scale) in 8-bit floats
    x = (q - zero) * scale, and decoded(q) * scale

The quotient is rounded to the format `division` first, which is that of the scale unless the model
names another one. The difference and the product are float32, then rounded to the output's format.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.floats import decode, encode, rounded
from npusim.numerics.formats import FP32, Format

Array = np.ndarray


class Scaling(NamedTuple):
    """Formats of input and output; what else quantization needs to know."""

    source: Format
    target: Format
    saturate: bool = True
    division: Format = FP32


def quantized_values(x: Array, scale: Array, zero: Array, scaling: Scaling) -> Array:
    """Stored numbers of x (stored as `source`), scale float32 and zero int32 that broadcast.

    NaN becomes the lowest integer, as in ONNX Runtime, and stays NaN in floats.
    """
    source, target, saturate, division = scaling
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = decode(x, source) / scale
        if division != FP32:
            quotient = rounded(quotient, division).astype(np.float32)
    if target.is_float:
        return encode(quotient, target, saturate)
    low, high = (np.asarray(bound - zero, np.float64) for bound in (target.low, target.high))
    bounded = np.clip(np.where(np.isnan(quotient), low, quotient), low, high)
    stored: Array = (np.rint(bounded).astype(np.int64) + zero).astype(target.dtype)
    return stored


def real_values(q: Array, scale: Array, zero: Array, scaling: Scaling) -> Array:
    """Reals, stored as `target`, of the stored numbers q; scale and zero broadcast."""
    source, target = scaling.source, scaling.target
    if source.is_float:
        difference = decode(q, source)
    else:
        difference = (q.astype(np.int64) - zero).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        product: Array = difference * scale
    return product if target == FP32 else encode(product, target)
