"""One 8-bit scale to another with a fixed-point factor that rounds twice (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.rescale import FixedPointRescale

Array = np.ndarray


def rescale_double_rounding(x: Array, out: Array, p: FixedPointRescale) -> None:
    """x, out int8|uint8 of one shape."""
    centred = x.astype(np.int64) - p.x_zero
    store(rescale(centred, p.multiplier, p.shift), p.y_zero, p.low, p.high, out)
