"""One 8-bit scale to another through float32 reals (ONNX Runtime)."""

from __future__ import annotations

import numpy as np

from npusim.numerics.onnx_runtime import RealRescale

Array = np.ndarray


def rescale_onnx(x: Array, out: Array, p: RealRescale) -> None:
    """x, out int8|uint8 of one shape."""
    real = (x.astype(np.int32) - p.x_zero).astype(np.float32) * p.x_scale
    rounded = np.rint(real / p.y_scale) + np.float32(p.y_zero)
    out[...] = np.clip(rounded, p.low, p.high).astype(out.dtype)
