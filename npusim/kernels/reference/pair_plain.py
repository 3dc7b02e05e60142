"""A function of two elements on values that mean themselves: float32, integers, truth values."""

from __future__ import annotations

import numpy as np

from npusim.numerics.pairs import PlainPair

Array = np.ndarray


def pair_plain(a: Array, b: Array, out: Array, p: PlainPair) -> None:
    """a, b of one type, out of their type or bool, all of one shape; integers wrap."""
    with np.errstate(all="ignore"):
        result = p.function(a, b)
    if p.low is not None or p.high is not None:
        result = np.clip(result, p.low, p.high)
    out[...] = result
