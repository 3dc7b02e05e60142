"""Parameters of TFLite's softmax of 16 bits: two tables, and the differences' factor.

exp on [-10, 0] and 1 / (1 + x) on [0, 1], both with outputs in Q0.15 (2 / 65535 a step, computed in
float64); the difference to the maximum times beta * sx / (10 / 65535), as a fixed-point factor.
Source: `SoftmaxPrepare` in LiteRT's activations.cc.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier
from npusim.numerics.wide_tables import WideTable, table_of

Clamp = tuple[int, int]

_RANGE = 65535.0
"""Steps of 16 bits."""
_DEEPEST = 10.0
"""exp(-10) counts as 0."""


class WideSoftmax(NamedTuple):
    """Differences times multiplier (Q0.31) * 2^shift give steps of 10 / 65535."""

    multiplier: int
    shift: int
    exponential: WideTable
    reciprocal: WideTable
    low: int
    high: int


def wide_softmax(
    x: Quantization, y: Quantization, beta: float, clamp: Clamp, length: int
) -> WideSoftmax:
    """beta * sx in float32, the factor in float64."""
    scaled = float(x.scalar_scale * np.float32(beta))
    multiplier, shift = quantize_multiplier(scaled / (_DEEPEST / _RANGE))
    return WideSoftmax(int(multiplier), int(shift), *_tables(), *clamp)


@functools.cache
def _tables() -> tuple[WideTable, WideTable]:
    step, unit = np.float64(_DEEPEST / _RANGE), np.float64(2.0 / _RANGE)
    exponential = table_of(np.exp, step, 2**15 - 1, unit)
    reciprocal = table_of(lambda v: 1.0 / (1.0 + v), np.float64(1.0 / _RANGE), -(2**15), unit)
    return exponential, reciprocal
