"""A clamp of integers to integer bounds; if the bounds cross, the upper one holds."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def clip_exact(x: Array, out: Array, bounds: tuple[int, int]) -> None:
    """x, out of one integer format and one shape."""
    low, high = (np.array(bound, x.dtype) for bound in bounds)
    out[...] = np.minimum(np.maximum(x, low), high)
