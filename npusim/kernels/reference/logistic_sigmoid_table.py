"""Logistic of 16 bits by TFLite's table, linear between its entries; see `sigmoid_table.py`."""

from __future__ import annotations

import numpy as np

from npusim.numerics.sigmoid_table import ENTRIES, SigmoidSteps, sigmoid_table

Array = np.ndarray

_LARGEST = 0x7FFF << 10


def logistic_sigmoid_table(x: Array, out: Array, p: SigmoidSteps) -> None:
    """x, out int16 of one shape; the output is Q0.15."""
    half = 1 << (p.shift - 1) if p.shift > 0 else 0
    steps = (x.astype(np.int64) * p.factor + half) >> p.shift
    positive = between_entries(np.abs(steps), 9, _LARGEST)
    result = np.where(steps >= 0, positive + (1 << 9), (1 << 25) - positive + (1 << 9) - 1)
    out[...] = (result >> 10).astype(out.dtype)


def between_entries(steps: Array, bits: int, largest: int) -> Array:
    """The table at `steps` >= 0 of 2^-bits of an entry, times 2^bits; `largest` behind its end."""
    table, index = sigmoid_table(), steps >> bits
    inside = np.minimum(index, ENTRIES - 2)
    low, high = table[inside], table[inside + 1]
    value = (low << bits) + (steps & ((1 << bits) - 1)) * (high - low)
    return np.where(index >= ENTRIES - 1, largest, value)
