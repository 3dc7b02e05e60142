"""What LiteRT 2.3.0's reference kernel of SUM makes of int8 tensors: it takes their bytes as uint8.

Zero points stay as they are, the result is clamped to 0..255 and its bytes are stored.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.mean_double_rounding import mean_double_rounding
from npusim.numerics.pooling import FixedPointMean

Array = np.ndarray


def mean_double_rounding_as_uint8(x: Array, out: Array, p: FixedPointMean) -> None:
    """x int8 [..., taps], out int8 [...]."""
    sums = np.empty(out.shape, np.uint8)
    mean_double_rounding(x.view(np.uint8), sums, p._replace(low=0, high=255))
    out[...] = sums.view(out.dtype)
