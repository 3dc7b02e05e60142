"""Leaky ReLU with a factor of 8 fraction bits a sign, rounded half up (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.leaky_relu import Factor8LeakyRelu

Array = np.ndarray


def leaky_relu_factor8(x: Array, out: Array, p: Factor8LeakyRelu) -> None:
    """x, out int8|uint8 of one shape."""
    centred = x.astype(np.int64) - p.x_zero
    product = centred * np.where(centred >= 0, p.factor, p.slope_factor)
    store((product + 128) >> 8, p.y_zero, p.low, p.high, out)
