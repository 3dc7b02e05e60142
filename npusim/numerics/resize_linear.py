"""Which two elements of an axis a linear resize weighs, and how, in each framework's arithmetic.

Sources: ONNX Runtime's `SetupUpsampleBilinear` and `NhwcUpsampleBilinearInteger` (1.31.1); TFLite's
`reference_ops::ResizeBilinear` and `ResizeBilinearInteger`, and XNNPACK's
`xnn_indirection_init_resize_bilinear2d_hwc_q11` (LiteRT 2.3.0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npusim.numerics.resize import coordinates_onnx

F = np.float32

GRID_BITS = 10
"""TFLite's integer kernel places elements on a grid of 1/1024."""
WEIGHT_BITS = 11
"""XNNPACK's weights are multiples of 1/2048."""


@dataclass(frozen=True, eq=False)
class Taps:
    """Of each output element the two input elements [n] and their weights [n].

    Weights are float32, or integers of GRID_BITS or WEIGHT_BITS fraction bits; they add up to one,
    but for ONNX Runtime's at the edge, which are two halves of one element.
    """

    low: np.ndarray
    high: np.ndarray
    low_weight: np.ndarray
    high_weight: np.ndarray


@dataclass(frozen=True)
class Axis:
    """An axis to resize: extents, scale (output / input) and coordinate mode as ONNX names them."""

    before: int
    after: int
    scale: float
    mode: str

    @property
    def is_plain(self) -> bool:
        """True if TFLite has such a resize: one of its modes, and a scale that the extents say."""
        known = self.mode in ("asymmetric", "align_corners", "half_pixel")
        return known and F(self.scale) == F(self.after) / F(self.before)


def taps_onnx(axis: Axis) -> Taps:
    """Float32 weights of ONNX Runtime: distances to the two elements, inside the axis."""
    before, after = axis.before, axis.after
    place = np.arange(after, dtype=F)
    if axis.scale != 1:
        place = coordinates_onnx(before, after, F(axis.scale), axis.mode)
    place = np.clip(place, F(0), F(before - 1))
    low = place.astype(np.int64)
    high = np.minimum(low + 1, before - 1)
    half = np.full(after, 0.5, F)
    from_low = np.where(low == high, half, np.abs(place - low.astype(F)))
    from_high = np.where(low == high, half, np.abs(place - high.astype(F)))
    return Taps(low, high, from_high.astype(F), from_low.astype(F))


def taps_onnx_integer(axis: Axis) -> Taps:
    """Weights of GRID_BITS of ONNX Runtime's channels-last kernel: the second one is cut."""
    taps = taps_onnx(axis)
    high = (taps.high_weight * F(1 << GRID_BITS)).astype(np.int64)
    return Taps(taps.low, taps.high, (1 << GRID_BITS) - high, high)


def taps_tflite(axis: Axis) -> Taps:
    """Float32 weights of TFLite; before the first element one weight is negative, on itself."""
    corners = axis.mode == "align_corners" and axis.after > 1
    place = np.arange(axis.after, dtype=F)
    if axis.mode == "half_pixel":
        place = (place + F(0.5)) * (F(axis.before) / F(axis.after)) - F(0.5)
    elif corners:
        place = place * (F(axis.before - 1) / F(axis.after - 1))
    else:
        place = place * (F(axis.before) / F(axis.after))
    low = np.maximum(np.floor(place).astype(np.int64), 0)
    high = np.minimum(np.ceil(place).astype(np.int64), axis.before - 1)
    weight = place - low.astype(F)
    return Taps(low, high, F(1) - weight, weight)


def taps_integer(axis: Axis) -> Taps:
    """Weights of GRID_BITS from a scale that is rounded to the grid."""
    one = 1 << GRID_BITS
    before, after = axis.before, axis.after
    if axis.mode == "align_corners" and after > 1:
        before, after = before - 1, after - 1
    step = (one * before + after // 2) // after
    place = np.arange(axis.after, dtype=np.int64) * step
    if axis.mode == "half_pixel":
        place += step // 2 - one // 2
    low = np.maximum(_quotient(place, one), 0)
    high = np.minimum(_quotient(place + one - 1, one), axis.before - 1)
    weight = place - one * low
    return Taps(low, high, one - weight, weight)


def taps_fixed11(axis: Axis) -> Taps:
    """Weights of WEIGHT_BITS, rounded half to even from float32 coordinates."""
    inset = 1 if axis.mode == "align_corners" and axis.after != 1 else 0
    scale = F(axis.before - inset) / F(axis.after - inset)
    place = np.arange(axis.after, dtype=F) * scale
    if axis.mode == "half_pixel":
        place = np.clip(place + (F(0.5) * scale - F(0.5)), F(0), F(axis.before - 1))
    low = place.astype(np.int64)
    high = np.minimum(low + 1, axis.before - 1)
    weight = np.rint((place - low.astype(F)) * F(1 << WEIGHT_BITS)).astype(np.int64)
    return Taps(low, high, (1 << WEIGHT_BITS) - weight, weight)


def _quotient(values: np.ndarray, divisor: int) -> np.ndarray:
    """Quotients rounded towards zero, as C has them."""
    quotient: np.ndarray = np.sign(values) * (np.abs(values) // divisor)
    return quotient


TAPS: dict[str, Callable[[Axis], Taps]] = {
    "float32": taps_onnx,
    "truncated": taps_onnx,
    "truncated_integer": taps_onnx_integer,
    "float32_half_away": taps_tflite,
    "integer": taps_integer,
    "fixed11": taps_fixed11,
}
"""Weights by the name of an arithmetic of `resize_bilinear`."""
