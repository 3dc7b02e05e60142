"""A function of each element, float32 to float32."""

from __future__ import annotations

import numpy as np

from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_float32(x: Array, out: Array, p: RealFunction) -> None:
    """x, out float32 of one shape."""
    out[...] = p.function(x, *p.attributes)
