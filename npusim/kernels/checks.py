"""Checks of a kernel's arguments, before a fast version touches memory.

Each function raises ValueError for arguments that do not fit together. Those that return a bool say
whether the fast versions are exact for these numbers; if not, the reference computes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.formats import BF16, FP16, FP32
from npusim.numerics.requantize import MOST_REDUCED_SHIFT, Requantizer

Array = np.ndarray

EIGHT_BIT = (np.dtype(np.int8), np.dtype(np.uint8))
UP_TO_16_BIT = (*EIGHT_BIT, np.dtype(np.int16), np.dtype(np.uint16))
INT32 = (np.dtype(np.int32),)
INT64 = (np.dtype(np.int64),)
FLOAT32 = (np.dtype(np.float32),)
FLOAT64 = (np.dtype(np.float64),)
FLOAT_SUMS = (FP16, BF16, FP32)
"""Formats that floating-point products are summed in."""

ZERO_POINTS = (-128, 255)
"""Zero points for which a difference of 8-bit values fits int16 products."""
WIDE_ZERO_POINTS = (-(1 << 16), 1 << 16)
"""Zero points for which a difference of 16-bit values fits int32, and 2^28 products int64."""
LARGEST_GEOMETRY = 1 << 16
"""Largest stride, dilation or padding of the fast convolutions."""
FIXED_POINT = ("double_rounding", "single_rounding")
"""The arithmetics with a multiplier and a shift."""
SHIFTS = (-31, 30)
"""Shifts for which the 64-bit fixed-point arithmetics neither overflow nor shift out of range."""
LARGEST_BOUND = 1 << 20
"""Clamps and zero points up to this keep the fast rounding to float32 integers exact."""


def require_array(
    name: str, array: Array, dtypes: tuple[np.dtype, ...], shape: tuple[int, ...]
) -> None:
    """The array has one of `dtypes` and `shape`."""
    if array.dtype not in dtypes:
        allowed = " or ".join(str(dtype) for dtype in dtypes)
        raise ValueError(f"{name} must be {allowed}, not {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")


def require_writable(name: str, array: Array) -> None:
    """The array may be written."""
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only")


def convolution_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> bool:  # fmt: skip
    """Checks of `conv_accumulate`; see its reference for the arrays."""
    require_operands(x, w, acc, tile, geometry, EIGHT_BIT, INT32)
    require_array("w_zero", w_zero, INT32, w.shape[:2])
    return _plain_numbers(x_zero, w_zero, geometry, ZERO_POINTS)


def wide_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> bool:  # fmt: skip
    """Checks of `conv_accumulate_wide` and `conv_accumulate_saturating`."""
    require_operands(x, w, acc, tile, geometry, UP_TO_16_BIT, INT64)
    require_array("w_zero", w_zero, INT32, w.shape[:2])
    return _plain_numbers(x_zero, w_zero, geometry, WIDE_ZERO_POINTS)


def saturating_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, bits: int, tree: int,
) -> bool:  # fmt: skip
    """Checks of `conv_accumulate_saturating`."""
    if not 2 <= bits <= 62 or tree < 1:
        raise ValueError(f"{bits} bits are not 2 to 62, or a tree of {tree} is empty")
    return wide_fits(x, w, acc, tile, geometry, x_zero, w_zero)


def blocked_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, scale: Array, block: int, bits: int,
) -> bool:  # fmt: skip
    """Checks of `conv_accumulate_blocked`."""
    require_operands(x, w, acc, tile, geometry, UP_TO_16_BIT, FLOAT32)
    if block < 1 or not 2 <= bits <= 64:
        raise ValueError(f"blocks of {block} channels, or sums of {bits} bits, do not exist")
    shape = (*w.shape[:4], -(-w.shape[4] // block))
    require_array("w_zero", w_zero, INT32, shape)
    require_array("scale", scale, FLOAT32, shape)
    return _plain_numbers(x_zero, w_zero, geometry, WIDE_ZERO_POINTS)


def float_convolution_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    accumulation: Accumulation,
) -> bool:  # fmt: skip
    """Checks of `conv_accumulate_float`; see its reference for the arrays."""
    require_operands(x, w, acc, tile, geometry, FLOAT32, FLOAT32)
    if accumulation.format not in FLOAT_SUMS:
        raise ValueError(f"no floating-point sums in {accumulation.format.name}")
    if accumulation.tree < 1:
        raise ValueError(f"an adder tree of {accumulation.tree} inputs")
    return all(abs(value) <= LARGEST_GEOMETRY for value in geometry)


def require_float_drain(acc: Array, parameters: FloatDrain, out: Array) -> None:
    """The arguments of `drain_float` fit together; see its reference."""
    if acc.ndim != 5:
        raise ValueError(f"acc has {acc.ndim} dimensions, expected 5")
    if not parameters.out.is_float:
        raise ValueError(f"no floating-point outputs of {parameters.out.name}")
    require_array("acc", acc, FLOAT32, acc.shape)
    require_array("out", out, (np.dtype(parameters.out.dtype),), acc.shape)
    require_writable("out", out)
    for name, factors in (("scale", parameters.scale), ("bias", parameters.bias)):
        if factors is not None:
            require_array(name, factors, FLOAT32, (acc.shape[3] * acc.shape[4],))


def require_operands(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    operands: tuple[np.dtype, ...], sums: tuple[np.dtype, ...],
) -> None:  # fmt: skip
    """x, w, acc, tile and geometry of a convolution's sums fit together."""
    if x.ndim != 5 or w.ndim != 5:
        raise ValueError(f"x {x.shape} and w {w.shape} must have five dimensions")
    if len(tile) != 12 or len(geometry) != 6:
        raise ValueError(f"a tile has 12 bounds, a geometry 6 numbers: {tile}, {geometry}")
    b, _, _, g, c = x.shape
    k = w.shape[1]
    require_array("x", x, operands, x.shape)
    require_array("w", w, operands, (g, k, w.shape[2], w.shape[3], c))
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    require_array("acc", acc, sums, (b1 - b0, y1 - y0, x1 - x0, g1 - g0, k1 - k0))
    require_writable("acc", acc)
    in_arrays = 0 <= b0 <= b1 <= b and 0 <= g0 <= g1 <= g and 0 <= k0 <= k1 <= k
    if not (in_arrays and 0 <= c0 <= c1 <= c):
        raise ValueError(f"tile {tuple(tile)} leaves x {x.shape}, w {w.shape}")
    if not (0 <= y0 <= y1 < 2**31 and 0 <= x0 <= x1 < 2**31):
        raise ValueError(f"tile {tuple(tile)} has no such pixels")
    if min(geometry[:4]) < 1:
        raise ValueError(f"strides and dilations start at 1: {tuple(geometry)}")


def _plain_numbers(
    x_zero: int, w_zero: Array, geometry: Sequence[int], allowed: tuple[int, int]
) -> bool:
    low, high = allowed
    return (
        low <= x_zero <= high
        and (w_zero.size == 0 or bool(low <= w_zero.min() and w_zero.max() <= high))
        and all(abs(value) <= LARGEST_GEOMETRY for value in geometry)
    )


def depthwise_fits(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> bool:  # fmt: skip
    """Checks of `depthwise_accumulate`: one input and one output channel a group."""
    if w.ndim != 5 or not w.shape[1] == w.shape[4] == 1:
        raise ValueError(f"weights {w.shape} are not depthwise")
    return convolution_fits(x, w, acc, tile, geometry, x_zero, w_zero)


def requantize_fits(acc: Array, bias: Array, requantizer: Requantizer, out: Array) -> bool:
    """Checks of `requantize`; see its reference for the arrays."""
    _require_drain(acc, bias, requantizer, out, INT32, EIGHT_BIT)
    return _exact(requantizer)


def requantize_wide_fits(acc: Array, bias: Array, r: Requantizer, out: Array) -> bool:
    """Checks of `requantize_wide` on int64 sums: which arithmetics have a fast form for them."""
    _require_drain(acc, bias, r, out, INT64, UP_TO_16_BIT)
    if r.arithmetic == "reduced_multiplier":
        fits = (r.shift >= SHIFTS[0]) & (r.shift <= MOST_REDUCED_SHIFT) & (r.multiplier >= 0)
        return bool(fits.all()) and _bounded(r)
    return r.arithmetic.startswith("float") and _exact(r)


def _require_drain(
    acc: Array, bias: Array, requantizer: Requantizer, out: Array,
    sums: tuple[np.dtype, ...], outputs: tuple[np.dtype, ...],
) -> None:  # fmt: skip
    if acc.ndim != 5:
        raise ValueError(f"acc has {acc.ndim} dimensions, expected 5")
    channels = acc.shape[3] * acc.shape[4]
    require_array("acc", acc, sums, acc.shape)
    require_array("bias", bias, sums, (channels,))
    require_array("out", out, outputs, acc.shape)
    require_writable("out", out)
    require_array("scale", requantizer.scale, FLOAT32, (channels,))
    require_array("multiplier", requantizer.multiplier, INT32, (channels,))
    require_array("shift", requantizer.shift, INT32, (channels,))
    require_array("real_scale", requantizer.real_scale, FLOAT64, (channels,))


def _bounded(r: Requantizer) -> bool:
    bounded = all(abs(value) <= LARGEST_BOUND for value in (r.zero_point, r.low, r.high))
    return bounded and r.low <= r.high


def _exact(r: Requantizer) -> bool:
    if not _bounded(r):
        return False
    if r.arithmetic == "float32_rint":
        return bool(np.isfinite(r.scale).all())
    if r.arithmetic == "float64_half_away":
        return bool(np.isfinite(r.real_scale).all())
    if r.arithmetic not in FIXED_POINT:
        return False
    fits = (r.shift >= SHIFTS[0]) & (r.shift <= SHIFTS[1]) & (r.multiplier >= 0)
    return bool(fits.all())
