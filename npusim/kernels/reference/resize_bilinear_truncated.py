"""Linear resize of stored integers as ONNX Runtime does it: sums in float32, cut to integers."""

from __future__ import annotations

from npusim.kernels.reference.resize_bilinear_float32 import resize_bilinear_float32

resize_bilinear_truncated = resize_bilinear_float32
"""x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of a tile: the float32 sum, rounded to zero."""
