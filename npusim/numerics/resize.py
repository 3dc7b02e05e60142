"""Which input elements a resized axis reads, in the arithmetic of each framework.

Sources: TFLite's `reference_ops::GetNearestNeighbor` (LiteRT 2.3.0).
"""

from __future__ import annotations

import numpy as np

F = np.float32


def nearest_tflite(before: int, after: int, corners: bool, centers: bool) -> np.ndarray:
    """Input index [after] of each element of an axis resized from `before` to `after` elements.

    `corners` maps ends to ends, `centers` middles of elements to middles; float32 throughout.
    """
    ends = corners and after > 1
    scale = F(before - 1) / F(after - 1) if ends else F(before) / F(after)
    offset = F(0.5) if centers else F(0)
    place = (np.arange(after, dtype=F) + offset) * scale
    found = np.trunc(place + F(0.5)) if corners else np.floor(place)
    indices: np.ndarray = np.clip(found.astype(np.int64), 0, before - 1)
    return indices
