"""The largest or smallest of rows of integers in order, of equal values the first first."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def top_k_plain(x: Array, values: Array, places: Array, largest: bool) -> None:
    """x integers [..., n]; values of its type [..., k]; places int64 [..., k]: indices into x.

    The complement of an integer has its order reversed, and always exists.
    """
    order = np.argsort(~x if largest else x, axis=-1, kind="stable")
    places[...] = order[..., : places.shape[-1]]
    values[...] = np.take_along_axis(x, places, axis=-1)
