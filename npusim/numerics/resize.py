"""Which input elements a resized axis reads, in the arithmetic of each framework.

Sources: TFLite's `reference_ops::GetNearestNeighbor` (LiteRT 2.3.0); ONNX Runtime's
`upsamplebase.h` (1.31.1).
"""

from __future__ import annotations

import numpy as np

F = np.float32

LONGEST_AXIS = 2**20
"""Elements of a resized axis; a damaged file could ask for any number."""


def check_extent(after: int) -> None:
    """ValueError for an axis that is longer than images are."""
    if after > LONGEST_AXIS:
        raise ValueError(f"resizes an axis to {after} elements, more than {LONGEST_AXIS}")


def nearest_tflite(before: int, after: int, corners: bool, centers: bool) -> np.ndarray:
    """Input index [after] of each element of an axis resized from `before` to `after` elements.

    `corners` maps ends to ends, `centers` middles of elements to middles; float32 throughout.
    """
    check_extent(after)
    ends = corners and after > 1
    scale = F(before - 1) / F(after - 1) if ends else F(before) / F(after)
    offset = F(0.5) if centers else F(0)
    place = (np.arange(after, dtype=F) + offset) * scale
    found = _half_away(place) if corners else np.floor(place)
    indices: np.ndarray = np.clip(found.astype(np.int64), 0, before - 1)
    return indices


COORDINATES = (
    "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric",
    "tf_half_pixel_for_nn",
)  # fmt: skip
"""The coordinate transformation modes of ONNX that need no region of interest."""
NEAREST_MODES = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple")
"""`simple`, before opset 11: the next element where an axis shrinks, the last one where it grows"""


TIE_TOLERANCE = F(1e-6)
"""What is as near to the middle of two elements is a tie to ONNX Runtime 1.31.1 (by experiment)."""


def coordinates_onnx(before: int, after: int, scale: np.float32, mode: str) -> np.ndarray:
    """Where in the input, float32 [after], the output elements of an axis lie (ONNX Runtime)."""
    at = np.arange(after, dtype=F)
    half = F(0.5)
    if mode == "asymmetric":
        return at / scale
    if mode == "tf_half_pixel_for_nn":
        return (at + half) / scale
    if mode == "align_corners":
        return at * F(before - 1) / F(after - 1) if after > 1 else np.zeros(1, F)
    if mode == "half_pixel_symmetric":
        adjustment = F(after) / (scale * F(before))
        offset = F(before) / F(2) * (F(1) - adjustment)
        return (offset + (at.astype(np.float64) + 0.5) / scale - 0.5).astype(F)
    if mode == "pytorch_half_pixel" and after <= 1:
        return np.zeros(after, F)
    return (at + half) / scale - half


def nearest_onnx(
    before: int, after: int, scale: np.float32, mode: str, nearest: str
) -> np.ndarray:  # fmt: skip
    """Input index [after] of each element of an axis, as ONNX Runtime rounds coordinates."""
    check_extent(after)
    place = coordinates_onnx(before, after, scale, mode)
    below = np.floor(place)
    if nearest == "simple":
        found = np.ceil(place) if scale < 1 else np.trunc(place)
    elif nearest == "floor":
        found = below
    elif nearest == "ceil":
        found = np.ceil(place)
    else:
        is_tie = np.abs(place - below - F(0.5)) < TIE_TOLERANCE
        preferred = below if nearest == "round_prefer_floor" else below + 1
        found = np.where(is_tie, preferred, _half_away(place))
    indices: np.ndarray = np.clip(found.astype(np.int64), 0, before - 1)
    return indices


def _half_away(place: np.ndarray) -> np.ndarray:
    """Nearest integers, ties away from zero."""
    wide = place.astype(np.float64)
    nearest: np.ndarray = np.trunc(wide + np.copysign(0.5, wide))
    return nearest
