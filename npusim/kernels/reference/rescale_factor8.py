"""One 8-bit scale to another with a factor of 8 fraction bits, rounded half up (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.rescale import Factor8Rescale

Array = np.ndarray


def rescale_factor8(x: Array, out: Array, p: Factor8Rescale) -> None:
    """x, out int8|uint8 of one shape."""
    product = (x.astype(np.int64) - p.x_zero) * p.factor
    store((product + 128) >> 8, p.y_zero, p.low, p.high, out)
