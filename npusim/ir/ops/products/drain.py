"""The MAC array's operators bound to their tensors: accumulate a tile, drain it.

Convolution, fully connected and matrix product share this; they differ in how their tensors are
seen as x [B, H, W, G, C], w [G, K, FY, FX, C] and out [B, OY, OX, G, K].
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.ir.ops.vector import quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.layers import Layer
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT8, INT32, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, Quantization, clamp_range
from npusim.numerics.requantize import Requantizer, make_requantizer, product_scales


@dataclass(frozen=True, eq=False)
class ConvolutionKernel:
    """A `WholeKernel` for one convolution-like node with constant or computed weights."""

    kernels: Kernels
    requantizer: Requantizer
    geometry: tuple[int, int, int, int, int, int]
    groups: int
    channel_axis: int
    x_zero: int
    w_zero: np.ndarray
    bias: np.ndarray
    weights: np.ndarray | None
    """Constant weights [G, K, FY, FX, C], made contiguous once; None if input 1 is computed."""

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
        require_plain_sums(op, kernels)
        sx, sw, sy = quantized(op, x), _weight_quantization(op, w), quantized(op, out)
        groups = getattr(op, "groups", 1)
        channels = w.shape[0]
        activation = getattr(op, "activation", Activation.NONE)
        row = row or op.kind
        arithmetic = profile.arithmetic(row, x.format.name)
        low, high = clamp_range(activation, out.format, sy, profile.arithmetic("clamp", row))
        scale, real = product_scales(sx, sw, sy, channels)
        if not np.isfinite(scale).all():
            what = f"the scales of {op.kind} give a factor beyond float32"
            raise UnsupportedModelError(Problem(out.name, what))
        bias = inputs[2] if len(inputs) > 2 else None
        return ConvolutionKernel(
            kernels,
            make_requantizer(arithmetic, scale, real, sy.scalar_zero_point, low, high),
            geometry,
            groups,
            getattr(op, "channel_axis", -1),
            sx.scalar_zero_point,
            _channel_zeros(sw, channels).reshape(groups, channels // groups),
            np.zeros(channels, np.int32) if bias is None else _constant(op, bias),
            None if w.data is None else np.ascontiguousarray(_weights(w.data, groups)),
        )

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        w = _weights(inputs[1], self.groups) if self.weights is None else self.weights
        x = self._in_groups(inputs[0])
        name = "depthwise_accumulate" if w.shape[1] == w.shape[4] == 1 else "conv_accumulate"
        accumulate = self.kernels.get(name)
        accumulate(x, w, acc, tile, self.geometry, self.x_zero, self.w_zero)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        part = self._in_groups(output)[
            tile.b0 : tile.b1, tile.y0 : tile.y1, tile.x0 : tile.x1,
            tile.g0 : tile.g1, tile.k0 : tile.k1,
        ]  # fmt: skip
        self.requantize(acc, part, tile)

    def compute_whole(self, inputs: Sequence[np.ndarray], output: np.ndarray) -> None:
        """See `WholeKernel`."""
        if self.weights is None:
            layer = self._layer_of(_weights(inputs[1], self.groups))
        else:
            layer = self._layer
        layer(self._in_groups(inputs[0]), self._in_groups(output))

    @functools.cached_property
    def _layer(self) -> Layer:
        """The layer of constant weights, which keeps what its path prepares of them."""
        assert self.weights is not None
        return self._layer_of(self.weights)

    def _layer_of(self, w: np.ndarray) -> Layer:
        make = self.kernels.get("convolution_layer")
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
        self.kernels.get("requantize")(acc, self.bias[chosen], requantizer, part)


def require_plain_sums(op: Operator, kernels: Kernels) -> None:
    """Refuse an array whose sums are not int32 that wrap."""
    how = kernels.accumulation
    if how is not None and (how.format != INT32 or how.on_overflow != "wrap"):
        what = f"{op.kind} on stored integers needs sums in int32 that wrap, not {how.format.name}"
        raise UnsupportedModelError(Problem(op.kind, f"{what} (on overflow: {how.on_overflow})"))


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


def _weight_quantization(op: Operator, w: Tensor) -> Quantization:
    if w.format not in (INT8, UINT8) or w.quantization is None:
        what = f"{op.kind} needs 8-bit quantized weights, '{w.name}' is {w.format.name}"
        raise UnsupportedModelError(Problem(w.name, what))
    if not w.quantization.is_per_tensor and w.quantization.axis != 0:
        what = f"{op.kind} needs weights quantized per output channel, '{w.name}' is not"
        raise UnsupportedModelError(Problem(w.name, what))
    return w.quantization


def _channel_zeros(quantization: Quantization, channels: int) -> np.ndarray:
    return np.broadcast_to(quantization.zero_point, channels).astype(np.int32)


def _constant(op: Operator, tensor: Tensor) -> np.ndarray:
    if tensor.data is None or tensor.data.dtype != np.int32:
        what = f"the bias of {op.kind} must be a constant int32 vector"
        raise UnsupportedModelError(Problem(tensor.name, what))
    return tensor.data.reshape(-1)
