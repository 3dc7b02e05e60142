"""Reductions of values that mean themselves, or whose order alone counts."""

from __future__ import annotations

import numpy as np

from npusim.numerics.reductions import PLAIN_REDUCTIONS

Array = np.ndarray


def reduce_plain(x: Array, out: Array, kind: str) -> None:
    """x [..., n], out [...] of one integer type; sums and products wrap."""
    with np.errstate(all="ignore"):
        out[...] = PLAIN_REDUCTIONS[kind](x, axis=-1)
