"""One 8-bit scale to another: high product, then a right shift that rounds half up.

TFLite's compiled (vectorised) requantization; it differs from the reference in negative ties.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.requantize import saturating_rounding_doubling_high_mul
from npusim.numerics.rescale import FixedPointRescale

Array = np.ndarray


def rescale_half_up(x: Array, out: Array, p: FixedPointRescale) -> None:
    """x, out int8|uint8 of one shape."""
    left, right = max(p.shift, 0), max(-p.shift, 0)
    shifted = (x.astype(np.int64) - p.x_zero) << left
    high = saturating_rounding_doubling_high_mul(shifted, np.array(p.multiplier, np.int64))
    half = (1 << right) >> 1
    store((high + half) >> right, p.y_zero, p.low, p.high, out)
