"""The MAC array's operators bound to their tensors: accumulate a tile, drain it.

Convolution, fully connected and matrix product share this; they differ in how their tensors are
seen as x [B, H, W, G, C], w [G, K, FY, FX, C] and out [B, OY, OX, G, K]. Activations have 8 or 16
bits, weights 4, 8 or 16. `sums.py` says how products become sums; the bias is added in the output
stage, in int32 for 8-bit activations and in int64 where an operand has 16 bits.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.ir.ops.products.sums import IntegerSums, greatest_sum
from npusim.ir.ops.vector import quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.layers import Layer
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT4, INT8, INT16, UINT4, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, Quantization, clamp_range
from npusim.numerics.requantize import (
    MOST_REDUCED_SHIFT,
    Requantizer,
    make_requantizer,
    multiply_by_quantized_multiplier,
    product_scales,
    upward_multiply_by_quantized_multiplier,
    wrap_int32,
)


@dataclass(frozen=True, eq=False)
class ConvolutionKernel:
    """A `WholeKernel` for one convolution-like node with constant or computed weights."""

    sums: IntegerSums
    requantizer: Requantizer
    geometry: tuple[int, int, int, int, int, int]
    groups: int
    channel_axis: int
    x_zero: int
    w_zero: np.ndarray
    bias: np.ndarray
    weights: np.ndarray | None
    """Constant weights [G, K, FY, FX, C], made contiguous once; None if input 1 is computed."""
    upwards: int | None = None
    """First channels whose ties go upwards (`BY_EIGHTS`); None where none is told."""

    @staticmethod
    def bind(
        op: Operator, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        geometry: tuple[int, int, int, int, int, int], profile: Profile, kernels: Kernels,
        row: str = "",
    ) -> ConvolutionKernel:  # fmt: skip
        """Check the tensors of `op` and take their parameters; see `Operator.bind`.

        `row` is the row of the profile's table, if it is not that of the operator's kind.
        """
        x, w, out = inputs[0], inputs[1], outputs[0]
        assert x is not None and w is not None
        sx, sw, sy = quantized(op, x), weight_quantization(op, w), quantized(op, out)
        groups, channels = getattr(op, "groups", 1), w.shape[0]
        activation, row = getattr(op, "activation", Activation.NONE), row or op.kind
        wide, case = max(x.format.bits, w.format.bits) > 8, _case(op, x, w)
        place = x.format.name if wide else row if case == x.format.name else f"{row}/{case}"
        clamp = profile.arithmetic("clamp", place)
        low, high = clamp_range(activation, out.format, sy, clamp)
        scale, real = product_scales(sx, sw, sy, channels, _exactly(op, x))
        arithmetic = product_arithmetic(op, row, case, (x, w, out), profile, scale, real)
        if arithmetic == UPWARDS and op.kind == "fully_connected":
            scale, real = product_scales(sx, sw, sy, channels)
        bias = inputs[2] if len(inputs) > 2 else None
        zeros = _channel_zeros(sw, channels).reshape(groups, channels // groups)
        weights = None if w.data is None else np.ascontiguousarray(_weights(w.data, groups))
        x_zero, terms = sx.scalar_zero_point, w.size // max(channels, 1)
        greatest = functools.partial(
            greatest_sum, x.format, x_zero, weights, zeros, w.format, terms
        )  # fmt: skip
        return ConvolutionKernel(
            IntegerSums.of(op, (x.format, w.format), kernels, greatest),
            make_requantizer(arithmetic, scale, real, sy.scalar_zero_point, low, high),
            geometry,
            groups,
            getattr(op, "channel_axis", -1),
            x_zero,
            zeros,
            _bias(op, bias, channels, wide, arithmetic),
            weights,
            channels // EIGHT * EIGHT if arithmetic == BY_EIGHTS else None,
        )

    @property
    def sum_dtype(self) -> type:
        """See `ArrayKernel`."""
        return self.sums.dtype

    @property
    def is_ordered(self) -> bool:
        """True if the tiles of the reduction can change a bit."""
        return self.sums.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        w = _weights(inputs[1], self.groups) if self.weights is None else self.weights
        x = self._in_groups(inputs[0])
        self.sums.add(x, w, acc, tile, self.geometry, self.x_zero, self.w_zero)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        part = self._in_groups(output)[
            tile.b0 : tile.b1, tile.y0 : tile.y1, tile.x0 : tile.x1,
            tile.g0 : tile.g1, tile.k0 : tile.k1,
        ]  # fmt: skip
        self.requantize(acc, part, tile)

    def compute_whole(self, inputs: Sequence[np.ndarray], output: np.ndarray) -> None:
        """See `WholeKernel`."""
        if not self.sums.is_plain or self.upwards is not None:
            self._compute_by_sums(inputs, output)
            return
        if self.weights is None:
            layer = self._layer_of(_weights(inputs[1], self.groups))
        else:
            layer = self._layer
        layer(self._in_groups(inputs[0]), self._in_groups(output))

    def _compute_by_sums(self, inputs: Sequence[np.ndarray], output: np.ndarray) -> None:
        """One tile of everything."""
        out = self._in_groups(output)
        depth = self._in_groups(inputs[0]).shape[4]
        b, rows, cols, groups, filters = out.shape
        tile = Tile(0, b, 0, groups, 0, filters, 0, depth, 0, rows, 0, cols)
        acc: np.ndarray = np.zeros(out.shape, self.sum_dtype)
        self.accumulate(inputs, acc, tile)
        self.requantize(acc, out, tile)

    @functools.cached_property
    def _layer(self) -> Layer:
        """The layer of constant weights, which keeps what its path prepares of them."""
        assert self.weights is not None
        return self._layer_of(self.weights)

    def _layer_of(self, w: np.ndarray) -> Layer:
        wide = self.sums.wide
        make = self.sums.kernels.get("convolution_layer_wide" if wide else "convolution_layer")
        layer: Layer = make(w, self.w_zero, self.x_zero, self.geometry, self.bias, self.requantizer)
        return layer

    def _in_groups(self, array: np.ndarray) -> np.ndarray:
        """A view [B, OY, OX, G, channels of a group]."""
        pixels = channels_last(array, self.channel_axis)
        return pixels.reshape(*pixels.shape[:3], self.groups, pixels.shape[3] // self.groups)

    def requantize(self, acc: np.ndarray, part: np.ndarray, tile: Tile) -> None:
        """The stored outputs of a tile [b, oy, ox, g, k], from its sums."""
        channels = np.arange(self.bias.size).reshape(self.groups, -1)
        chosen = channels[tile.g0 : tile.g1, tile.k0 : tile.k1].reshape(-1)
        requantizer = self.requantizer.channels(chosen)
        if self.upwards is not None:
            part[...] = self._by_eights(acc, requantizer, chosen).reshape(part.shape)
            return
        drain_sums(self.sums, acc, self.bias[chosen], requantizer, part)

    def _by_eights(self, acc: np.ndarray, r: Requantizer, chosen: np.ndarray) -> np.ndarray:
        """Stored outputs [b, oy, ox, g * k] of the chosen channels."""
        finished = self.sums.leave(acc).reshape(*acc.shape[:3], -1).astype(np.int64)
        sums = wrap_int32(finished + self.bias[chosen])
        up, away = (
            scaled(sums, r.multiplier, r.shift)
            for scaled in (
                upward_multiply_by_quantized_multiplier, multiply_by_quantized_multiplier,
            )
        )  # fmt: skip
        values = np.where(chosen < self.upwards, up, away) + r.zero_point
        stored: np.ndarray = np.clip(values, r.low, r.high)
        return stored


BY_EIGHTS = "double_rounding_by_eights"
"""The arithmetic of some of LiteRT's built-in kernels: double rounding. Ties go upwards in the
channels that fill groups of eight, and away from zero in those that are left over."""
EIGHT = 8
"""Channels that such kernels take together."""


def _case(op: Operator, x: Tensor, w: Tensor) -> str:
    """The format by which a profile tells apart what frameworks compute otherwise."""
    if w.format.bits != 4:
        return x.format.name
    case = f"{x.format.name}*{w.format.name}"
    if getattr(op, "groups", 1) > 1 and w.shape[-1] == 1:
        return f"{case} depthwise"
    return f"{case} odd" if len(w.shape) == 2 and w.shape[1] % 2 else case


def _exactly(op: Operator, x: Tensor) -> bool:
    """False where TFLite rounds the product of two scales to float32: uint8 convolutions.

    Its fully connected layers that round upwards do so too.
    """
    return x.format != UINT8 or op.kind == "fully_connected"


def drain_sums(
    sums: IntegerSums, acc: np.ndarray, bias: np.ndarray, requantizer: Requantizer,
    part: np.ndarray,
) -> None:  # fmt: skip
    """The stored outputs `part` of finished sums, by the kernel for their width."""
    narrow = not sums.wide and part.dtype.itemsize == 1
    drain = sums.kernels.get("requantize" if narrow else "requantize_wide")
    drain(sums.leave(acc), bias, requantizer, part)


def product_arithmetic(
    op: Operator, row: str, case: str, tensors: tuple[Tensor, Tensor, Tensor], profile: Profile,
    scale: np.ndarray, real: np.ndarray,
) -> str:  # fmt: skip
    """The arithmetic of `row` and `case` in `profile` for x, w, out; refuses factors outside of it.

    `scale` and `real` are what `product_scales` gives.
    """
    x, w, out = tensors
    if not np.isfinite(scale).all():
        what = f"the scales of {op.kind} give a factor beyond float32"
        raise UnsupportedModelError(Problem(out.name, what))
    wide = w if w.format.bits > x.format.bits else x
    arithmetic = profile.arithmetic(row, wide.format.name if wide.format.bits > 8 else case)
    if wide.format.bits > 8 and arithmetic not in WIDE_ARITHMETICS:
        what = f"{profile.oracle} has no {op.kind} with {wide.format.name} '{wide.name}'"
        raise UnsupportedModelError(Problem(out.name, what))
    if arithmetic == "reduced_multiplier" and (real >= 2.0**MOST_REDUCED_SHIFT).any():
        what = f"the scales of {op.kind} give a factor of {real.max():g}, TFLite's end at 128"
        raise UnsupportedModelError(Problem(out.name, what))
    return arithmetic


UPWARDS = "double_rounding_upwards"
"""The arithmetic of some of LiteRT's built-in products."""
WIDE_ARITHMETICS = (
    UPWARDS, "float32_rint", "float64_half_away", "reduced_multiplier",
)  # fmt: skip
"""The arithmetics that take sums of more than 32 bits."""


def require_bias(inputs: Sequence[Tensor | None], channels: int) -> None:
    """ValueError unless the optional third input has one element a channel."""
    bias = inputs[2] if len(inputs) > 2 else None
    if bias is not None and bias.size != channels:
        raise ValueError(f"a bias of {bias.size} elements for {channels} channels")


def _weights(data: np.ndarray, groups: int) -> np.ndarray:
    """Weights [G*K, FY, FX, C] or [G*K, C] as [G, K, FY, FX, C]."""
    if data.ndim == 2:
        data = data[:, None, None, :]
    return data.reshape(groups, -1, *data.shape[1:])


def weight_quantization(op: Operator, w: Tensor) -> Quantization:
    """The quantization of weights: one for all, or one an output channel."""
    if w.format not in (INT4, UINT4, INT8, UINT8, INT16) or w.quantization is None:
        what = f"{op.kind} needs quantized weights of 4, 8 or 16 bits, '{w.name}' is"
        raise UnsupportedModelError(Problem(w.name, f"{what} {w.format.name}"))
    if w.quantization.block is not None:
        what = f"{op.kind} does not take weights with a scale a block, as '{w.name}' has"
        raise UnsupportedModelError(Problem(w.name, what))
    if not w.quantization.is_per_tensor and w.quantization.axis != 0:
        what = f"{op.kind} needs weights quantized per output channel, '{w.name}' is not"
        raise UnsupportedModelError(Problem(w.name, what))
    return w.quantization


def _channel_zeros(quantization: Quantization, channels: int) -> np.ndarray:
    return np.broadcast_to(quantization.zero_point, channels).astype(np.int32)


def _bias(
    op: Operator, bias: Tensor | None, channels: int, wide: bool, arithmetic: str
) -> np.ndarray:
    """A constant bias as the output stage adds it: int64 if wide, else int32."""
    dtype = np.int64 if wide else np.int32
    if bias is None:
        return np.zeros(channels, dtype)
    taken = [np.dtype(np.int32), np.dtype(np.int64)] if wide else [np.dtype(np.int32)]
    if bias.data is None or bias.data.dtype not in taken:
        names = " or ".join(str(each) for each in taken)
        what = f"the bias of {op.kind} must be a constant vector of {names}"
        raise UnsupportedModelError(Problem(bias.name, what))
    if wide and bias.data.dtype == np.int32 and arithmetic != "float32_rint":
        what = f"{op.kind} of 16-bit activations needs an int64 bias: LiteRT reads one as such"
        raise UnsupportedModelError(Problem(bias.name, what))
    return bias.data.reshape(-1).astype(dtype)
