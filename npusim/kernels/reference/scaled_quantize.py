"""Stored numbers of reals with a scale for each element: `npusim/numerics/scaled.py` defines it."""

from __future__ import annotations

import numpy as np

from npusim.numerics.scaled import Scaling, quantized_values

Array = np.ndarray


def scaled_quantize(x: Array, scale: Array, zero: Array, out: Array, scaling: Scaling) -> None:
    """x, scale float32, zero int32 and out of one shape; x and out as `scaling` says."""
    out[...] = quantized_values(x, scale, zero, scaling)
