"""Parameters of rescaling one 8-bit tensor to another scale, and of the borders to float32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.numerics.onnx_runtime import real_rescale
from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import quantize_multiplier

Clamp = tuple[int, int]


class Affine(NamedTuple):
    """real = scale * (q - zero); stored integers lie in [low, high]."""

    scale: np.float32
    zero: int
    low: int
    high: int


class FixedPointRescale(NamedTuple):
    """(x - x_zero) * multiplier (Q0.31) * 2^shift + y_zero."""

    x_zero: int
    multiplier: int
    shift: int
    y_zero: int
    low: int
    high: int


def fixed_point_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    """TFLite: sx / sy in float64 as a fixed-point multiplier."""
    return _rescale(float(x.scalar_scale) / float(y.scalar_scale), x, y, clamp)


def rounded_ratio_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    """TFLite's ReLU: sx / sy in float32 as a fixed-point multiplier."""
    with np.errstate(over="ignore"):
        return _rescale(float(x.scalar_scale / y.scalar_scale), x, y, clamp)


def _rescale(real: float, x: Quantization, y: Quantization, clamp: Clamp) -> FixedPointRescale:
    multiplier, shift = quantize_multiplier(real)
    zeros = x.scalar_zero_point, y.scalar_zero_point
    return FixedPointRescale(zeros[0], int(multiplier), int(shift), zeros[1], *clamp)


class Factor8Rescale(NamedTuple):
    """((x - x_zero) * factor + 128) >> 8, plus y_zero."""

    x_zero: int
    factor: int
    y_zero: int
    low: int
    high: int


class FloatRescale(NamedTuple):
    """round(x * scale + bias) + y_zero in float32."""

    scale: np.float32
    bias: np.float32
    y_zero: int
    low: int
    high: int


def factor8_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> Factor8Rescale:
    """XNNPACK: sx / sy in float32 as an integer with 8 fraction bits."""
    factor = int(np.rint(np.float32(256.0) * (x.scalar_scale / y.scalar_scale)))
    return Factor8Rescale(x.scalar_zero_point, factor, y.scalar_zero_point, *clamp)


def float_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> FloatRescale:
    """TFLite's concatenation: sx * (1 / sy) and -zx times that, in float32."""
    scale = np.float32(x.scalar_scale * (np.float32(1.0) / y.scalar_scale))
    bias = np.float32(np.float32(-x.scalar_zero_point) * scale)
    return FloatRescale(scale, bias, y.scalar_zero_point, *clamp)


RESCALE_PARAMETERS = {
    "double_rounding": fixed_point_rescale,
    "factor8": factor8_rescale,
    "float32_half_away": float_rescale,
    "float32_ratio": rounded_ratio_rescale,
    "half_up": fixed_point_rescale,
    "onnx": real_rescale,
}
