"""Affine quantization: real = scale * (q - zero_point), per tensor, per channel or per block."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npusim.numerics.floats import decode
from npusim.numerics.formats import Format


@dataclass(frozen=True, eq=False)
class Quantization:
    """Scales (float32 [n]) and zero points (int32 [n]); n = 1, or the extent of `axis`.

    With a `block`, every `block` elements along `axis` share one; the last block may be shorter.
    Both arrays then have the tensor's rank: ceil(extent / block) along `axis`, and along every
    other axis its extent, or 1 where all share one. Weights [N, C] in blocks of C: [N, C / block],
    axis 1; weights [K, FY, FX, C]: [K, FY or 1, FX or 1, C / block], axis 3.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int | None = None
    block: int | None = None

    @staticmethod
    def per_tensor(scale: float, zero_point: int = 0) -> Quantization:
        """One scale and one zero point for the whole tensor."""
        return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int32))

    @staticmethod
    def covering(values: np.ndarray, fmt: Format) -> Quantization:
        """The 8-bit quantization over the range of float32 `values`, 0 included.

        As ONNX Runtime finds it: every step in float32, the zero point rounded half to even.
        """
        low = min(np.float32(values.min()), np.float32(0.0))
        high = max(np.float32(values.max()), np.float32(0.0))
        steps = np.float32(fmt.high - fmt.low)
        scale = np.float32(1.0) if high == low else np.float32((high - low) / steps)
        zero = np.clip(np.float32(fmt.low) - low / scale, fmt.low, fmt.high)
        return Quantization.per_tensor(float(scale), int(np.rint(zero)))

    @property
    def is_per_tensor(self) -> bool:
        """True if one scale serves the whole tensor."""
        return self.scale.size == 1

    @property
    def scalar_scale(self) -> np.float32:
        """The scale of a per-tensor quantization."""
        if not self.is_per_tensor:
            raise ValueError("a per-channel quantization has no single scale")
        return np.float32(self.scale[0])

    @property
    def scalar_zero_point(self) -> int:
        """The zero point of a per-tensor quantization."""
        if self.zero_point.size != 1:
            raise ValueError("a per-channel quantization has no single zero point")
        return int(self.zero_point[0])

    def real(self, stored: np.ndarray, fmt: Format | None = None) -> np.ndarray:
        """float32 values of `stored` numbers: the difference to the zero point, times the scale.

        One rounding where the difference has 24 bits at most, as DequantizeLinear computes it.
        `fmt` is their format where arrays hold codes; those have no zero point.
        """
        scale, zero = self.spread(stored.shape)
        if fmt is not None and fmt.holds_codes:
            decoded: np.ndarray = decode(stored, fmt) * scale
            return decoded
        real: np.ndarray = (stored.astype(np.int64) - zero).astype(np.float32) * scale
        return real

    def spread(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Scales and zero points in shapes that broadcast against a tensor of `shape`."""
        if self.block is not None and self.axis is not None:
            scale, zero = (
                values.repeat(self.block, self.axis).take(range(shape[self.axis]), self.axis)
                for values in (self.scale, self.zero_point)
            )
            return scale, zero
        along = [1] * len(shape)
        if not self.is_per_tensor and self.axis is not None:
            along[self.axis] = -1
        return self.scale.reshape(along), self.zero_point.reshape(along)

    def same_as(self, other: Quantization | None) -> bool:
        """True if both map the same integers to the same reals."""
        return (
            other is not None
            and self.block == other.block
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
        )


class Activation(enum.Enum):
    """The clamp that a producer applies on its drain: real bounds, open where None."""

    NONE = (None, None)
    RELU = (0.0, None)
    RELU6 = (0.0, 6.0)
    RELU_N1_TO_1 = (-1.0, 1.0)
    RELU_0_TO_1 = (0.0, 1.0)


def clamp_range(
    activation: Activation, fmt: Format, quantization: Quantization, rounding: str
) -> tuple[int, int]:
    """Integer bounds [low, high] of a quantized output under `activation`.

    A bound b is stored as b / scale + zero_point in float32, kept inside the format; `rounding`
    (a key of CLAMP_ROUNDINGS) says how it becomes an integer, which matters for ties.
    """
    low, high = fmt.low, fmt.high
    real_low, real_high = activation.value
    scale, zero = quantization.scalar_scale, quantization.scalar_zero_point
    stored = CLAMP_ROUNDINGS[rounding]
    if real_low is not None:
        low = max(low, stored(np.float32(real_low) / scale, zero))
    if real_high is not None:
        high = min(high, stored(np.float32(real_high) / scale, zero))
    return low, high


def round_half_away(value: np.float32 | float) -> int:
    """Nearest integer, ties away from zero."""
    return int(np.trunc(np.float64(value) + np.copysign(0.5, np.float64(value))))


def _half_away(quotient: np.float32, zero: int) -> int:
    return zero + round_half_away(quotient)


def _half_even(quotient: np.float32, zero: int) -> int:
    return zero + int(np.rint(quotient))


def _half_even_sum(quotient: np.float32, zero: int) -> int:
    return int(np.rint(quotient + np.float32(zero)))


CLAMP_ROUNDINGS: dict[str, Callable[[np.float32, int], int]] = {
    "half_away": _half_away,
    "half_even": _half_even,
    "half_even_sum": _half_even_sum,
}
"""TFLite's kernels round the quotient half away from zero; XNNPACK rounds the sum half to even."""
