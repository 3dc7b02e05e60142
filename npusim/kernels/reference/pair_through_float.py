"""A function of two elements between dequantization and quantization, all in float32.

That is what ONNX Runtime does where it has no integer kernel. Each step rounds to float32. What
is no number becomes the lowest value, whatever the clamp.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.dequantize_affine import dequantize_affine
from npusim.kernels.reference.quantize_onnx import quantize_onnx
from npusim.numerics.pairs import RealPair
from npusim.numerics.rescale import Affine

Array = np.ndarray


def pair_through_float(a: Array, b: Array, out: Array, p: RealPair) -> None:
    """a, b int8|uint8, out int8|uint8 or bool, all of one shape."""
    with np.errstate(all="ignore"):
        result = p.function(_real(a, p.a), _real(b, p.b))
        if p.y is None:
            out[...] = result
        else:
            quantize_onnx(result, out, p.y)
            out[np.isnan(result)] = np.iinfo(out.dtype).min


def _real(stored: Array, p: Affine) -> Array:
    real = np.empty(stored.shape, np.float32)
    dequantize_affine(stored, real, p)
    return real
