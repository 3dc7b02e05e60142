"""A resize of one axis as a matrix [after, before]: what each output element takes of each input.

Linear and cubic interpolation of ONNX, with or without a filter that widens where an axis shrinks
(antialias). Source: the operator Resize in ONNX's operator specification. With s the smaller of
scale and 1 (1 without the filter) and d the distance from an output element to a tap, in inputs,
a tap weighs f(s * d), where
    linear: f(t) = 1 - |t| for |t| < 1
    cubic:  f(t) = (a + 2)|t|^3 - (a + 3)|t|^2 + 1 for |t| <= 1,
            f(t) = a (|t|^3 - 5|t|^2 + 8|t| - 4)   for |t| < 2
and 0 beyond. Filtered weights are divided by their sum. A tap outside the axis is the element at
its end, or takes no part (`exclude_outside`), and the others are divided by their sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REACH = {"linear": 1, "cubic": 2}
"""How many taps of 1 / s each kind looks to either side."""


@dataclass(frozen=True)
class Interpolation:
    """Kind (`linear`, `cubic`), a of the cubic one, and what happens at ends and on shrinking."""

    kind: str = "linear"
    cubic: float = -0.75
    antialias: bool = False
    exclude_outside: bool = False

    def weights(self, distances: np.ndarray) -> np.ndarray:
        """f of the distances [n], float64."""
        t = np.abs(distances)
        if self.kind == "linear":
            return np.asarray(np.clip(1 - t, 0, 1))
        a = self.cubic
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = a * (((t - 5) * t + 8) * t - 4)
        return np.where(t <= 1, near, np.where(t < REACH[self.kind], far, 0.0))


def resize_matrix(before: int, places: np.ndarray, scale: float, how: Interpolation) -> np.ndarray:
    """float32 [after, before] for output elements that lie at `places` [after] of the input."""
    matrix = np.zeros((places.size, before))
    narrowed = min(scale, 1.0) if how.antialias else 1.0
    first = int(np.floor(-REACH[how.kind] / narrowed)) + 1
    offsets = np.arange(first, 2 - first)
    for row, place in zip(matrix, places.astype(np.float64), strict=True):
        left = int(np.ceil(place)) - 1
        taps = left + offsets
        weights = how.weights((taps - place) * narrowed)
        if how.exclude_outside:
            weights = np.where((taps >= 0) & (taps < before), weights, 0.0)
        if how.antialias or how.exclude_outside:
            weights = weights / weights.sum()
        np.add.at(row, np.clip(taps, 0, before - 1), weights)
    return matrix.astype(np.float32)


def cropped_places(before: int, after: int, region: tuple[float, float]) -> np.ndarray:
    """Where output elements lie if `region`, of the axis as 0 to 1, fills the output: [after].

    That is `tf_crop_and_resize`; a single element lies in the middle. Float32 in ONNX Runtime's
    order: what lies at an end exactly may be outside of it by rounding.
    """
    start, end, last = np.float32(region[0]), np.float32(region[1]), np.float32(before - 1)
    if after == 1:
        return np.array([np.float32(0.5) * (start + end) * last])
    steps = np.arange(after, dtype=np.float32) * (end - start) * last / np.float32(after - 1)
    return np.asarray(start * last + steps)
