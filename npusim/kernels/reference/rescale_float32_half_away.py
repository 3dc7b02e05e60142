"""One 8-bit scale to another in float32, ties away from zero (TFLite's uint8 concatenation)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.requantize import half_away
from npusim.numerics.rescale import FloatRescale

Array = np.ndarray


def rescale_float32_half_away(x: Array, out: Array, p: FloatRescale) -> None:
    """x, out uint8 of one shape."""
    scaled = x.astype(np.float32) * p.scale + p.bias
    store(half_away(scaled.astype(np.float64)), p.y_zero, p.low, p.high, out)
