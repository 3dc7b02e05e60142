"""A function of two elements on stored integers, whatever their scales say (TFLite's FLOOR_DIV)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.pairs import StoredPair

Array = np.ndarray


def pair_stored(a: Array, b: Array, out: Array, p: StoredPair) -> None:
    """a, b, out int8|uint8 of one shape; a quotient by a stored 0 is 0.

    A result beyond the type wraps, as in C: -128 / -1 is -128.
    """
    left, right = a.astype(np.int32), b.astype(np.int32)
    divisor_is_zero = right == 0
    result = p.function(left, np.where(divisor_is_zero, 1, right))
    stored = np.where(divisor_is_zero, 0, result).astype(out.dtype)
    out[...] = np.clip(stored, p.low, p.high)
