"""Running sums of float32 rows, each sum rounded."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def cum_sum_float32(x: Array, out: Array, exclusive: bool) -> None:
    """x, out float32 [..., n]; with `exclusive` the first sum is 0 and the last element unused."""
    if exclusive:
        out[..., 0] = 0.0
        np.cumsum(x[..., :-1], axis=-1, dtype=np.float32, out=out[..., 1:])
    else:
        np.cumsum(x, axis=-1, dtype=np.float32, out=out)
