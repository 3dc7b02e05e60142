"""A function of each 8-bit element by XNNPACK's table: times 1 / y_scale, rounded half to even."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.quantize_rint_reciprocal import quantize_rint_reciprocal
from npusim.numerics.rescale import Affine
from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_rint_lookup(x: Array, out: Array, p: RealFunction) -> None:
    """x, out int8|uint8 of one shape."""
    real = (x.astype(np.int32) - p.x_zero).astype(np.float32) * p.x_scale
    affine = Affine(p.y_scale, p.y_zero, p.low, p.high)
    quantize_rint_reciprocal(p.function(real, *p.attributes), out, affine)
