"""From one number format to another, as numpy converts: reals are cut, integers wrap."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def cast_exact(x: Array, out: Array, _: None) -> None:
    """x, out of any format, one shape; reals outside an integer format's range are undefined."""
    with np.errstate(invalid="ignore", over="ignore"):
        out[...] = x.astype(out.dtype)
