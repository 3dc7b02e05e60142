"""Mean of stored values: exact sum, then one float32 product and sum, half to even (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.pooling import BiasedMean

Array = np.ndarray


def mean_float32_bias(x: Array, out: Array, p: BiasedMean) -> None:
    """x int8|uint8 [..., taps], out int8|uint8 [...]; the product is rounded before the sum."""
    scaled = x.astype(np.int64).sum(axis=-1).astype(np.float32) * p.scale
    store(np.rint(scaled + p.bias).astype(np.int64), 0, p.low, p.high, out)
