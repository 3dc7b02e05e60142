"""Running sums of rows of integers that mean themselves; they wrap."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def cum_sum_plain(x: Array, out: Array, exclusive: bool) -> None:
    """x, out of one integer type [..., n]; see `cum_sum_float32`."""
    if exclusive:
        out[..., 0] = 0
        np.cumsum(x[..., :-1], axis=-1, dtype=x.dtype, out=out[..., 1:])
    else:
        np.cumsum(x, axis=-1, dtype=x.dtype, out=out)
