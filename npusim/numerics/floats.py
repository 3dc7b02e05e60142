"""Floating-point formats narrower than float32: their values, and rounding to them.

A format has m mantissa bits, least normal exponent e and greatest value g. A number is rounded to
the nearest multiple of 2^(max(floor(log2 |x|), e) - m), ties to even; so subnormals are kept. What
rounds beyond g becomes g (`saturate`, as ONNX casts by default; infinities as well), else infinity,
or NaN where the format has no infinity (the OCP's non-saturating conversion; ml_dtypes).

    fp8_e4m3  m 3, e -6, g 448: OCP 8-bit formats 1.0, E4M3: no infinity, one NaN (S.1111.111)
    fp8_e5m2  m 2, e -14, g 57344: the upper byte of an fp16
    fp16      m 10, e -14, g 65504: IEEE 754 binary16
    bf16      m 7, e -126, g (2 - 2^-7) 2^127: the upper half of a float32
    fp32      m 23, e -126, g (2 - 2^-23) 2^127: IEEE 754 binary32
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format

Array = np.ndarray


@dataclass(frozen=True)
class Layout:
    """How a floating-point format is made; see the module's docstring."""

    mantissa_bits: int
    least_exponent: int
    greatest: float
    has_infinity: bool = True

    @property
    def least_normal(self) -> float:
        """The least normal number; what is nearer to zero is subnormal."""
        return float(2.0**self.least_exponent)


LAYOUTS: dict[str, Layout] = {
    FP8_E4M3.name: Layout(3, -6, 448.0, has_infinity=False),
    FP8_E5M2.name: Layout(2, -14, 57344.0),
    FP16.name: Layout(10, -14, 65504.0),
    BF16.name: Layout(7, -126, (2.0 - 2.0**-7) * 2.0**127),
    FP32.name: Layout(23, -126, (2.0 - 2.0**-23) * 2.0**127),
}


def rounded(values: Array, fmt: Format, saturate: bool = False) -> Array:
    """float64 `values` rounded once to numbers of `fmt`, as float64; NaN stays NaN."""
    layout = LAYOUTS[fmt.name]
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.asarray(values, np.float64)
        _, exponent = np.frexp(values)
        step = np.maximum(exponent - 1, layout.least_exponent) - layout.mantissa_bits
        near = np.ldexp(np.rint(np.ldexp(values, -step)), step)
        beyond = np.abs(near) > layout.greatest
        outside = layout.greatest if saturate else np.inf if layout.has_infinity else np.nan
        result: Array = np.where(beyond, np.copysign(outside, values), near)
    return result


def flushed(values: Array, fmt: Format) -> Array:
    """float64 `values` with what is subnormal in `fmt` replaced by a zero of its sign."""
    tiny = np.abs(values) < LAYOUTS[fmt.name].least_normal
    result: Array = np.where(tiny, np.copysign(0.0, values), values)
    return result


def decode(stored: Array, fmt: Format) -> Array:
    """float32 values of stored numbers of `fmt`; every one of them is a float32."""
    if not fmt.holds_codes:
        return stored.astype(np.float32)
    values: Array
    if fmt == BF16:
        values = (stored.astype(np.uint32) << 16).view(np.float32)
    else:
        values = decode_table(fmt)[stored]
    return values


def encode(values: Array, fmt: Format, saturate: bool = False) -> Array:
    """float32 or float64 `values` rounded once and stored as `fmt`; NaN is stored as `nan_code`."""
    near = rounded(values, fmt, saturate)
    if not fmt.holds_codes:
        return near.astype(fmt.dtype)
    if fmt == FP8_E4M3:
        return _e4m3_codes(near)
    if fmt == FP8_E5M2:
        codes = (near.astype(np.float16).view(np.uint16) >> 8).astype(np.uint8)
    else:
        codes = (near.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    stored: Array = np.where(np.isnan(near), nan_code(fmt) | _sign_bit(near, fmt), codes).astype(
        fmt.dtype
    )
    return stored


def nan_code(fmt: Format) -> int:
    """The code of a positive NaN: the quiet one without payload."""
    return {FP8_E4M3.name: 0x7F, FP8_E5M2.name: 0x7E, BF16.name: 0x7FC0}[fmt.name]


@functools.cache
def decode_table(fmt: Format) -> Array:
    """float32 [256]: the number behind each code of an 8-bit format."""
    codes = np.arange(256, dtype=np.uint8)
    if fmt == FP8_E5M2:
        table = (codes.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    else:
        magnitude = codes & 0x7F
        exponent, mantissa = (magnitude >> 3).astype(np.int32), (magnitude & 7).astype(np.float64)
        normal = np.ldexp(1 + mantissa / 8, exponent - 7)
        value = np.where(exponent == 0, np.ldexp(mantissa / 8, -6), normal)
        value = np.where(magnitude == 0x7F, np.nan, value)
        table = np.copysign(value, np.where(codes >= 0x80, -1.0, 1.0)).astype(np.float32)
    table.setflags(write=False)
    return table


def _e4m3_codes(near: Array) -> Array:
    """Codes of float64 values that are E4M3 numbers or NaN."""
    magnitude = np.abs(np.where(np.isnan(near), 0.0, near))
    _, exponent = np.frexp(magnitude)
    biased = np.maximum(exponent - 1, -6)
    steps = np.ldexp(magnitude, 3 - biased).astype(np.int64)  # 8 to 15, below 8 if subnormal
    codes = np.where(steps < 8, steps, (biased + 7) * 8 + steps - 8)
    codes = np.where(np.isnan(near), nan_code(FP8_E4M3), codes)
    signed: Array = (codes | _sign_bit(near, FP8_E4M3)).astype(np.uint8)
    return signed


def _sign_bit(values: Array, fmt: Format) -> Array:
    return np.where(np.signbit(values), 1 << (fmt.bits - 1), 0)
