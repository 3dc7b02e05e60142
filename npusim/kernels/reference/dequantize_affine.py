"""float32 of stored integers: scale * (q - zero), one rounding."""

from __future__ import annotations

import numpy as np

from npusim.numerics.rescale import Affine

Array = np.ndarray


def dequantize_affine(x: Array, out: Array, p: Affine) -> None:
    """x int8|uint8, out float32 of one shape."""
    out[...] = (x.astype(np.int32) - p.zero).astype(np.float32) * p.scale
