"""Product of centred values, rescaled after each factor by 16 bits of multiplier (TFLite).

R(v) = (v * m + 2^(s - 1)) >> s with a multiplier m of 15 bits; every product takes one R, the last
one too, and is kept in 32 bits.
"""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.reductions import RoundedFactor
from npusim.numerics.requantize import wrap_int32

Array = np.ndarray


def reduce_prod_rounded_factor(x: Array, out: Array, p: RoundedFactor) -> None:
    """x int8|uint8 [..., n], out int8|uint8 [...]."""
    values = x.astype(np.int64) - p.x_zero
    total = values[..., 0]
    for index in range(1, values.shape[-1]):
        total = _scaled(total * values[..., index], p)
    store(_scaled(total, p), p.y_zero, p.low, p.high, out)


def _scaled(x: Array, p: RoundedFactor) -> Array:
    return wrap_int32((x * p.multiplier + (1 << (p.right_shift - 1))) >> p.right_shift)
