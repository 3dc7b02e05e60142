"""Parameters of averages: over a window, and over whole axes (mean)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.onnx_runtime import real_average
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

Clamp = tuple[int, int]


class IntegerAverage(NamedTuple):
    """Average of stored integers: input and output share their scale."""

    x_zero: int
    low: int
    high: int


class FixedPointMean(NamedTuple):
    """Centred sum times multiplier (Q0.31) * 2^shift, with double rounding."""

    x_zero: int
    multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


class BiasedMean(NamedTuple):
    """sum * scale + bias in float32, where the bias holds both zero points."""

    scale: np.float32
    bias: np.float32
    low: int
    high: int


class FloatMean(NamedTuple):
    """Centred sum times a float32 scale."""

    x_zero: int
    scale: np.float32
    y_zero: int
    low: int
    high: int


def integer_average(x: Quantization, y: Quantization, clamp: Clamp) -> IntegerAverage:
    """TFLite's average pooling; it does not rescale, `y` is `x`."""
    return IntegerAverage(x.scalar_zero_point, *clamp)


AVERAGE_PARAMETERS = {"integer": integer_average, "onnx": real_average}

KEEPS_SCALE = frozenset({"integer"})
"""Arithmetics whose average has the scale of its input."""


def fixed_point_mean(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> FixedPointMean:
    """TFLite: sx / sy as a fixed-point multiplier, whose mantissa is then divided by `count`.

    The quotient is cut off after the mantissa was moved left by floor(log2(count)), so it keeps
    30 or 31 significant bits.
    """
    real = float(x.scalar_scale) / float(y.scalar_scale)
    multiplier, shift = (int(value) for value in quantize_multiplier(real))
    left = min(count.bit_length() - 1, 32, 31 + shift)
    zeros = x.scalar_zero_point, y.scalar_zero_point
    return FixedPointMean(zeros[0], (multiplier << left) // count, shift - left, zeros[1], *clamp)


def float_mean(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> FloatMean:
    """sx / (sy * count), each step rounded to float32."""
    scale = np.float32(x.scalar_scale / np.float32(np.float32(count) * y.scalar_scale))
    return FloatMean(x.scalar_zero_point, scale, y.scalar_zero_point, *clamp)


def biased_mean(x: Quantization, y: Quantization, count: int, clamp: Clamp) -> BiasedMean:
    """XNNPACK, in float32: scale = (sx / sy) * (1 / count), bias = zy - (count * zx) * scale."""
    share = np.float32(1.0) / np.float32(count)
    scale = np.float32((x.scalar_scale / y.scalar_scale) * share)
    offset = np.float32(np.float32(count * x.scalar_zero_point) * scale)
    return BiasedMean(scale, np.float32(np.float32(y.scalar_zero_point) - offset), *clamp)


MEAN_PARAMETERS = {
    "double_rounding": fixed_point_mean,
    "float32_bias": biased_mean,
    "float32_rint": float_mean,
}
