"""A function of each 8-bit element through float32: dequantize, function, quantize (ONNX Runtime).

Its nodes QLinearSigmoid and QLinearLeakyRelu tabulate exactly these three steps.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.quantize_onnx import quantize_onnx
from npusim.kernels.reference.unary_float32 import dequantized
from npusim.numerics.rescale import Affine
from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_onnx(x: Array, out: Array, p: RealFunction) -> None:
    """x, out int8|uint8 of one shape."""
    affine = Affine(p.y_scale, p.y_zero, p.low, p.high)
    quantize_onnx(p.function(dequantized(x, p), *p.attributes), out, affine)
