"""From an integer sum to an output of 8 or 16 bits: every arithmetic has a name.

`float32_rint`      q = clamp(rint(f32(acc) * s) + z), s = f32(f32(sx * sw) / sy); ties to even.
                    ONNX Runtime's integer kernels and XNNPACK (reference: both were compared).
`float64_half_away` q = clamp(round(acc * s) + z), s = sx * sw / sy in float64; ties away from zero.
                    TFLite's reference fully connected layer (LiteRT since 2026).
`double_rounding`   q = clamp(pot(srdhm(acc << left, m), right) + z): a saturating rounding doubling
                    high multiplication, then a rounding shift with ties away from zero. TFLite's
                    reference convolutions; m = round(sx * sw / sy * 2^31 / 2^e) in float64.
`double_rounding_upwards` the same, but ties of the last shift go upwards: LiteRT's built-in
                    kernels for vector units.
`single_rounding`   q = clamp((acc * m + 2^(r-1)) >> r) + z) in int64. TOSA RESCALE without double
                    rounding.

`reduced_multiplier` q = clamp(((acc * m16 + 2^(r-1)) >> r) + z) in int64, m16 = the multiplier
                    rounded to 16 bits. TFLite's kernels for int16 activations with int64 sums
                    (`MultiplyByQuantizedMultiplier` of an int64 in tflite's common.cc); TOSA
                    RESCALE of int48 has the same 16-bit multiplier.

Sums of 8-bit activations are int32 when they get here, those of 16-bit ones int64. The bias is
added before, in that type.

The functions here are the definition (numpy, any shape [..., k] against parameters [k]); fast
versions in the kernels must equal them bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.numerics.quantization import Quantization

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Requantizer:
    """The parameters of one drain: arithmetic name, per-channel factors [k], zero point, clamp.

    `scale` float32 [k] serves float32_rint; `multiplier` int32 [k] (Q0.31) and `shift` int32 [k]
    (positive = left) serve the fixed-point arithmetics; `real_scale` float64 [k] the float64 one.
    """

    arithmetic: str
    scale: Array
    multiplier: Array
    shift: Array
    zero_point: int
    low: int
    high: int
    real_scale: Array

    def apply(self, acc: Array, dtype: np.typing.DTypeLike) -> Array:
        """Requantize `acc` [..., k] of int32 or int64; returns `dtype` of the same shape."""
        q = ARITHMETICS[self.arithmetic](acc, self)
        stored: Array = np.clip(q + self.zero_point, self.low, self.high).astype(dtype)
        return stored

    def channels(self, chosen: Array) -> Requantizer:
        """The requantizer of the channels with the given indices only."""
        return Requantizer(
            self.arithmetic, self.scale[chosen], self.multiplier[chosen], self.shift[chosen],
            self.zero_point, self.low, self.high, self.real_scale[chosen],
        )  # fmt: skip


def make_requantizer(
    arithmetic: str, scale: Array, real_scale: Array, zero_point: int, low: int, high: int
) -> Requantizer:
    """Parameters for `scale` (float32 [k]) and the same factor in float64 (`real_scale` [k])."""
    multiplier, shift = quantize_multiplier(real_scale)
    return Requantizer(
        arithmetic,
        scale.astype(np.float32),
        multiplier,
        shift,
        zero_point,
        low,
        high,
        np.asarray(real_scale, np.float64),
    )


def product_scales(
    x: Quantization, w: Quantization, y: Quantization, channels: int, exactly: bool = False
) -> tuple[Array, Array]:
    """sx * sw / sy per output channel: float32 [channels] and float64 [channels].

    The float32 factor rounds the product and the quotient, as ONNX Runtime and XNNPACK do. The
    float64 factor starts from the exact product, as TFLite's convolutions and layers have it. If
    not `exactly`, that of one scale each starts from the float32 product, as TFLite's products of
    computed matrices and its uint8 convolutions have it.
    """
    weight_scale = np.broadcast_to(w.scale, channels).astype(np.float32)
    with np.errstate(over="ignore"):
        product = x.scalar_scale * weight_scale
        single = product / y.scalar_scale
    exact = np.float64(x.scalar_scale) * weight_scale.astype(np.float64)
    if w.is_per_tensor and not exactly:
        exact = product.astype(np.float64)
    return single.astype(np.float32), exact / np.float64(y.scalar_scale)


def quantize_multiplier(real: Array | float) -> tuple[Array, Array]:
    """`real` >= 0 as multiplier * 2^(shift - 31), multiplier int32 in [2^30, 2^31), in float64."""
    fraction, exponent = np.frexp(np.asarray(real, np.float64))
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    carried = multiplier == 2**31
    multiplier = np.where(carried, 2**30, multiplier)
    exponent = np.where(carried, exponent + 1, exponent)
    too_small = exponent < -31
    return (
        np.where(too_small, 0, multiplier).astype(np.int32),
        np.where(too_small, 0, exponent).astype(np.int32),
    )


def saturating_rounding_doubling_high_mul(a: Array, b: Array) -> Array:
    """round(a * b / 2^31) of int32 arrays as int64, ties upwards; two lowest values saturate."""
    product = a.astype(np.int64) * b.astype(np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    high = np.where(total >= 0, total >> 31, -((-total) >> 31))
    both_lowest = (a == -(2**31)) & (b == -(2**31))
    return np.where(both_lowest, 2**31 - 1, high)


def rounding_divide_by_power_of_two(x: Array, exponent: Array) -> Array:
    """x / 2^exponent of int64 arrays, ties away from zero."""
    exponent = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (x < 0)
    rounded: Array = (x >> exponent) + (remainder > threshold)
    return rounded


def multiply_by_quantized_multiplier(x: Array, multiplier: Array, shift: Array) -> Array:
    """x * multiplier * 2^(shift - 31) with double rounding; int64 result of int32 inputs."""
    left = np.maximum(shift, 0).astype(np.int64)
    right = np.maximum(-shift.astype(np.int64), 0)
    shifted = wrap_int32(x.astype(np.int64) << left)
    return rounding_divide_by_power_of_two(
        saturating_rounding_doubling_high_mul(shifted, np.asarray(multiplier)), right
    )


def upward_multiply_by_quantized_multiplier(x: Array, multiplier: Array, shift: Array) -> Array:
    """As `multiply_by_quantized_multiplier`, but ties of the last shift go upwards.

    The vector units of ARM shift so, and LiteRT's kernels that were written for them everywhere.
    """
    left = np.maximum(shift, 0).astype(np.int64)
    right = np.maximum(-shift.astype(np.int64), 0)
    shifted = wrap_int32(x.astype(np.int64) << left)
    high = saturating_rounding_doubling_high_mul(shifted, np.asarray(multiplier))
    rounded: Array = (high + ((np.int64(1) << right) >> 1)) >> right
    return rounded


def wrap_int32(x: Array) -> Array:
    """Two's complement wrap of int64 values to 32 bits, kept as int64."""
    return ((x + 2**31) & 0xFFFFFFFF) - 2**31


def _float32_rint(acc: Array, r: Requantizer) -> Array:
    with np.errstate(over="ignore"):
        scaled = acc.astype(np.float32) * r.scale
    bounded = np.clip(scaled, np.float32(r.low - r.zero_point), np.float32(r.high - r.zero_point))
    rounded: Array = np.rint(bounded).astype(np.int64)
    return rounded


def _float64_half_away(acc: Array, r: Requantizer) -> Array:
    scaled = acc.astype(np.float64) * r.real_scale
    bounded = np.clip(scaled, r.low - r.zero_point - 1.0, r.high - r.zero_point + 1.0)
    return half_away(bounded)


def half_away(values: Array) -> Array:
    """Nearest integers (int64) of float64 values, ties away from zero."""
    rounded: Array = np.trunc(values + np.copysign(0.5, values)).astype(np.int64)
    return rounded


def _double_rounding(acc: Array, r: Requantizer) -> Array:
    return multiply_by_quantized_multiplier(acc, r.multiplier, r.shift)


def _double_rounding_upwards(acc: Array, r: Requantizer) -> Array:
    return upward_multiply_by_quantized_multiplier(acc, r.multiplier, r.shift)


def _single_rounding(acc: Array, r: Requantizer) -> Array:
    right = 31 - r.shift.astype(np.int64)
    product = acc.astype(np.int64) * r.multiplier.astype(np.int64)
    return (product + (np.int64(1) << (right - 1))) >> right


def reduced(multiplier: Array) -> Array:
    """Q0.31 multipliers (int32, >= 0) rounded to Q0.15, half up, at most 0x7FFF; int64."""
    wide = multiplier.astype(np.int64)
    return np.where(wide < 0x7FFF0000, (wide + (1 << 15)) >> 16, 0x7FFF)


def _reduced_multiplier(acc: Array, r: Requantizer) -> Array:
    right = 15 - r.shift.astype(np.int64)
    product = acc.astype(np.int64) * reduced(r.multiplier) + (np.int64(1) << (right - 1))
    return wrap_int32(product >> right)


ARITHMETICS = {
    "float32_rint": _float32_rint,
    "float64_half_away": _float64_half_away,
    "double_rounding": _double_rounding,
    "double_rounding_upwards": _double_rounding_upwards,
    "single_rounding": _single_rounding,
    "reduced_multiplier": _reduced_multiplier,
}
MOST_REDUCED_SHIFT = 7
"""The greatest left shift of `reduced_multiplier`, as TFLite states it: factors below 2^7."""
