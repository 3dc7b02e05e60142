"""Parameters of ONNX Runtime's 8-bit CPU kernels (1.31.1, AVX2), and its fused multiply-add.

Measured element by element against ONNX Runtime; the kernels of the arithmetic `onnx` in
`npusim/kernels/reference/` state how the numbers are used. All factors are float32, and each step
rounds to float32 unless a fused multiply-add is named.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from npusim.numerics.quantization import Quantization

Array = np.ndarray
Clamp = tuple[int, int]

SOFTMAX_RESERVED = 5.0
"""Natural logarithm of the headroom that ONNX Runtime's softmax table keeps below float32's end."""


class FusedSum(NamedTuple):
    """q = rint(fma(a, a_ratio, fma(b, b_ratio, constant)))."""

    a_ratio: np.float32
    b_ratio: np.float32
    constant: np.float32
    low: int
    high: int


class ProductSum(NamedTuple):
    """q = rint((a - a_zero) * (b - b_zero) * scale + y_zero), the zero added before rounding."""

    a_zero: int
    b_zero: int
    scale: np.float32
    y_zero: np.float32
    low: int
    high: int


class RealRescale(NamedTuple):
    """q = rint(x_scale * (x - x_zero) / y_scale) + y_zero, through float32 reals."""

    x_scale: np.float32
    x_zero: int
    y_scale: np.float32
    y_zero: int
    low: int
    high: int


class SoftmaxTable(NamedTuple):
    """Exponentials of 256 differences (table[255] belongs to the row's maximum), and the output."""

    table: Array
    factor: np.float32
    y_zero: int
    low: int
    high: int


def fused_sum(a: Quantization, b: Quantization, y: Quantization, clamp: Clamp) -> FusedSum:
    """QLinearAdd: constant = zy - fma(ra, za, rb * zb), as the compiler contracted it."""
    ra = np.float32(a.scalar_scale / y.scalar_scale)
    rb = np.float32(b.scalar_scale / y.scalar_scale)
    zeros = fused_multiply_add(
        ra, np.float32(a.scalar_zero_point), np.float32(rb * np.float32(b.scalar_zero_point))
    )
    return FusedSum(ra, rb, np.float32(np.float32(y.scalar_zero_point) - zeros), *clamp)


def product_sum(a: Quantization, b: Quantization, y: Quantization, clamp: Clamp) -> ProductSum:
    """QLinearMul: scale = sa * sb / sy."""
    scale = np.float32(np.float32(a.scalar_scale * b.scalar_scale) / y.scalar_scale)
    zeros = a.scalar_zero_point, b.scalar_zero_point
    return ProductSum(*zeros, scale, np.float32(y.scalar_zero_point), *clamp)


def real_rescale(x: Quantization, y: Quantization, clamp: Clamp) -> RealRescale:
    """DequantizeLinear then QuantizeLinear; QLinearConcat tabulates the same."""
    return RealRescale(
        x.scalar_scale, x.scalar_zero_point, y.scalar_scale, y.scalar_zero_point, *clamp
    )


def real_average(x: Quantization, y: Quantization, clamp: Clamp) -> RealRescale:
    """QLinearAveragePool: an average of float32 reals; any output scale will do."""
    return real_rescale(x, y, clamp)


def softmax_table(
    x: Quantization, y: Quantization, beta: float, clamp: Clamp, length: int
) -> SoftmaxTable:
    """QLinearSoftmax over rows of `length`: exponentials in float64, stored as float32.

    The differences are shifted up so that the sum of a row still fits float32. The output factor is
    floor(1 / sy).
    """
    scale = float(x.scalar_scale) * beta
    bound = np.float32(np.finfo(np.float32).max) / np.float32(length)
    shift = max(0.0, float(np.log(bound)) - SOFTMAX_RESERVED) / scale
    table = np.array([math.exp((i - 255 + shift) * scale) for i in range(256)], np.float64)
    factor = np.floor(np.float32(1.0) / y.scalar_scale)
    return SoftmaxTable(table.astype(np.float32), np.float32(factor), y.scalar_zero_point, *clamp)


def fused_multiply_add(
    a: Array | np.float32, b: Array | np.float32, c: Array | np.float32
) -> Array:
    """a * b + c of float32 values with a single rounding to float32.

    The product is exact in float64. The float64 sum is rounded to odd with the help of its exact
    residue (two-sum), and float64 has more than two bits over float32, so the second rounding gives
    what one rounding of the exact value gives (Boldo and Melquiond, 2008).
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    addend = np.asarray(c, np.float64)
    total = product + addend
    part = total - product
    residue = (product - (total - part)) + (addend - part)
    bits = np.atleast_1d(total).view(np.int64).reshape(total.shape)
    away_from_zero = np.where(total > 0, residue > 0, residue < 0)
    step = np.where(away_from_zero, 1, -1)
    odd = np.where((residue != 0) & (bits & 1 == 0), bits + step, bits)
    result: Array = np.asarray(odd, np.int64).view(np.float64).astype(np.float32)
    return result
