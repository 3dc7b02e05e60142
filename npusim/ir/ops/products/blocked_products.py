"""Products with weights that have a scale for each block of input channels.

The array sums each block's products as integers, in its accumulators; each finished sum is scaled
in float32 and added to a float32 sum, in the order of `kernels/reference/blocked.py`. The output
stage is in float32 too, every step rounded once, with s the scales and z the zero points:

    r = f32(sum * s_x) + bias,  q = clamp(rint(f32(r / s_y)) + z_y), ties to even

No framework computes on such integers, so the profile only rounds the bounds of an activation. The
bias is float32, or has a scale of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.ir.ops.products.sums import Geometry, greatest_of
from npusim.ir.ops.vector import quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32, INT4, INT8, UINT4, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, Quantization, clamp_range

Array = np.ndarray


def has_blocks(w: Tensor | None) -> bool:
    """True for weights that have a scale a block."""
    return w is not None and w.quantization is not None and w.quantization.block is not None


@dataclass(frozen=True, eq=False)
class BlockedKernel:
    """A `WholeKernel`; see the module's docstring. Arrays of weights as the kernel takes them."""

    sum_dtype: ClassVar[type] = np.float32
    is_ordered: ClassVar[bool] = True

    kernels: Kernels
    geometry: Geometry
    groups: int
    channel_axis: int
    bits: int
    block: int
    x: Quantization
    weights: Array
    w_zero: Array
    w_scale: Array
    bias: Array
    y: Quantization
    bounds: tuple[int, int]

    @staticmethod
    def bind(
        op: Operator, inputs: Sequence[Tensor | None], out: Tensor, geometry: Geometry,
        profile: Profile, kernels: Kernels,
    ) -> BlockedKernel:  # fmt: skip
        """Check the tensors of `op` and take their parameters; see `Operator.bind`."""
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        found, block = _along_channels(op, w)
        sx, sy = quantized(op, x), quantized(op, out)
        groups, data = getattr(op, "groups", 1), _taps(w.data, w)
        shape = (groups, -1, *data.shape[1:])
        per_block = (*data.shape[:3], -(-data.shape[3] // block))
        zeros, scale = (
            np.broadcast_to(_taps(v, w), per_block).reshape(*shape[:4], per_block[3])
            for v in (found.zero_point, found.scale)
        )
        activation = getattr(op, "activation", Activation.NONE)
        bias = inputs[2] if len(inputs) > 2 else None
        return BlockedKernel(
            kernels, geometry, groups, getattr(op, "channel_axis", -1),
            _bits(op, x, w, block, kernels), block, sx,
            np.ascontiguousarray(data.reshape(shape)), zeros.astype(np.int32),
            scale.astype(np.float32), _real_bias(op, bias, w.shape[0]), sy,
            clamp_range(activation, out.format, sy, profile.clamp(op.kind, x.format.name)),
        )  # fmt: skip

    def accumulate(self, inputs: Sequence[Array], acc: Array, tile: Tile) -> None:
        """See `ArrayKernel`."""
        self.kernels.get("conv_accumulate_blocked")(
            self._in_groups(inputs[0]), self.weights, acc, tile, self.geometry,
            self.x.scalar_zero_point, self.w_zero, self.w_scale, self.block, self.bits,
        )  # fmt: skip

    def drain(self, acc: Array, output: Array, tile: Tile) -> None:
        """See `ArrayKernel`."""
        part = self._in_groups(output)[
            tile.b0 : tile.b1, tile.y0 : tile.y1, tile.x0 : tile.x1,
            tile.g0 : tile.g1, tile.k0 : tile.k1,
        ]  # fmt: skip
        bias = self.bias.reshape(self.groups, -1)[tile.g0 : tile.g1, tile.k0 : tile.k1]
        low, high = self.bounds
        with np.errstate(over="ignore"):
            steps = np.rint((acc * self.x.scalar_scale + bias) / self.y.scalar_scale)
        zero = self.y.scalar_zero_point
        bounded = np.clip(steps, np.float32(low - zero), np.float32(high - zero))
        part[...] = bounded.astype(np.int64) + zero

    def compute_whole(self, inputs: Sequence[Array], output: Array) -> None:
        """See `WholeKernel`."""
        b, rows, cols, groups, filters = self._in_groups(output).shape
        depth = self.weights.shape[4]
        tile = Tile(0, b, 0, groups, 0, filters, 0, depth, 0, rows, 0, cols)
        acc = np.zeros((b, rows, cols, groups, filters), np.float32)
        self.accumulate(inputs, acc, tile)
        self.drain(acc, output, tile)

    def _in_groups(self, array: Array) -> Array:
        """A view [B, OY, OX, G, channels of a group]."""
        pixels = channels_last(array, self.channel_axis)
        return pixels.reshape(*pixels.shape[:3], self.groups, pixels.shape[3] // self.groups)


def _taps(values: Array | None, w: Tensor) -> Array:
    """Constants of weights [K, C] or [K, FY, FX, C] as [K, FY, FX, C]."""
    if values is None:
        what = f"weights with a scale a block must be a constant, '{w.name}' is computed"
        raise UnsupportedModelError(Problem(w.name, what))
    return values[:, None, None] if values.ndim == 2 else values


def _along_channels(op: Operator, w: Tensor) -> tuple[Quantization, int]:
    found, block = w.quantization, None if w.quantization is None else w.quantization.block
    assert found is not None and block is not None
    if w.format not in (INT4, UINT4, INT8, UINT8):
        what = f"{op.kind} needs blocks of 4 or 8 bits, '{w.name}' is {w.format.name}"
        raise UnsupportedModelError(Problem(w.name, what))
    if found.axis is None or found.axis % len(w.shape) != len(w.shape) - 1:
        what = f"{op.kind} needs blocks along the input channels, those of '{w.name}' are not"
        raise UnsupportedModelError(Problem(w.name, what))
    return found, block


def _bits(op: Operator, x: Tensor, w: Tensor, block: int, kernels: Kernels) -> int:
    """The bits to which a block's sum wraps."""
    how = kernels.accumulation
    if how is None:
        return 64
    zero = 0 if x.quantization is None else x.quantization.scalar_zero_point
    terms = min(block, w.shape[-1])
    fits = greatest_of(x.format, zero, w.format, w.format.high, terms) < 2 ** (how.format.bits - 1)
    if how.format.is_float or (how.on_overflow == "saturate" and not fits):
        name = f"{how.format.name} (on overflow: {how.on_overflow})"
        what = f"{op.kind} with a scale a block can't be summed in {name}"
        raise UnsupportedModelError(Problem(w.name, what))
    return min(how.format.bits, 64)


def _real_bias(op: Operator, bias: Tensor | None, channels: int) -> Array:
    """float32 [channels]."""
    if bias is None:
        return np.zeros(channels, np.float32)
    if bias.data is not None and bias.format == FP32:
        return bias.data.reshape(-1)
    if bias.data is not None and bias.quantization is not None:
        return bias.quantization.real(bias.data.reshape(-1))
    what = f"the bias of {op.kind} with a scale a block must be a constant with a scale, or float32"
    raise UnsupportedModelError(Problem(bias.name, what))
