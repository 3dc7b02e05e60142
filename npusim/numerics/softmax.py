"""Parameters of softmax."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from npusim.numerics.formats import UINT8
from npusim.numerics.onnx_runtime import softmax_table
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier
from npusim.numerics.wide_softmax import wide_softmax

Array = np.ndarray
Clamp = tuple[int, int]

INPUT_INTEGER_BITS = 5
"""TFLite's exponential takes its argument in Q5.26: -32 < x <= 0."""


class FixedPointSoftmax(NamedTuple):
    """Differences to the maximum times multiplier (Q0.31) * 2^left_shift give Q5.26."""

    multiplier: int
    left_shift: int
    lowest_difference: int
    low: int
    high: int


class TableSoftmax(NamedTuple):
    """exp as float32 for each difference -255 .. 0 (table[255 + difference])."""

    table: Array
    y_scale: np.float32
    half_up: bool
    y_zero: int
    low: int
    high: int


def fixed_point_softmax(
    x: Quantization, y: Quantization, beta: float, clamp: Clamp, length: int
) -> FixedPointSoftmax:
    """TFLite: beta * sx as a fixed-point factor, saturated to int32."""
    fraction_bits = 31 - INPUT_INTEGER_BITS
    real = float(np.float32(beta)) * float(x.scalar_scale) * 2.0**fraction_bits
    multiplier, shift = quantize_multiplier(min(real, 2.0**31 - 1.0))
    radius = (2.0**INPUT_INTEGER_BITS - 1.0) * 2.0**fraction_bits / 2.0 ** int(shift)
    return FixedPointSoftmax(int(multiplier), int(shift), -math.floor(radius), *clamp)


def table_softmax(
    x: Quantization, y: Quantization, beta: float, clamp: Clamp, length: int
) -> TableSoftmax:
    """TFLite's optimised kernel: exp(beta * sx * difference) in float32."""
    factor = -x.scalar_scale * np.float32(beta)
    arguments = factor * np.arange(255, -1, -1, dtype=np.float32)
    table = np.exp(arguments.astype(np.float64)).astype(np.float32)
    unsigned = clamp[0] == 0
    return TableSoftmax(table, y.scalar_scale, unsigned, y.scalar_zero_point, *clamp)


def fixed_output(clamp: Clamp) -> Quantization:
    """The only output quantization of TFLite's softmax.

    Of 8 bits 1/256 above the lowest integer, of 16 bits 1/32768.
    """
    if clamp[1] > UINT8.high:
        return Quantization.per_tensor(2.0**-15)
    return Quantization.per_tensor(1.0 / 256.0, clamp[0])


SOFTMAX_PARAMETERS = {
    "fixed_point": fixed_point_softmax,
    "table": table_softmax,
    "onnx": softmax_table,
    "table_513": wide_softmax,
}

FIXED_OUTPUT = frozenset({"fixed_point", "table", "table_513"})
"""Arithmetics that write `fixed_output`, whatever quantization the graph asks for."""
