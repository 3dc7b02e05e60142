"""The largest or smallest elements of float32 rows in order, of equal ones the first first."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def top_k_float32(x: Array, values: Array, places: Array, largest: bool) -> None:
    """x float32 [..., n]; values float32 [..., k]; places int64 [..., k]: indices into x."""
    order = np.argsort(-x if largest else x, axis=-1, kind="stable")
    places[...] = order[..., : places.shape[-1]]
    values[...] = np.take_along_axis(x, places, axis=-1)
