"""Products of floating-point operands on the array: FP8, FP16, BF16, FP32.

Operands are decoded at the array's edge (to the pair's `compute` format where it has one), products
are summed as the hardware's `Accumulation` says, and the drain scales, adds the bias, clamps and
rounds once to the output's format. A quantized tensor (FP8) has a scale and no zero point: the
array multiplies stored numbers, and the drain multiplies by both scales.

Convolution, fully connected layer and matrix product differ in how their tensors are seen as
x [B, H, W, G, C], w [G, K, FY, FX, C] and out [B, OY, OX, G, K].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, Operator
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.floats import decode, flushed, rounded
from npusim.numerics.formats import FP32, Format
from npusim.numerics.quantization import Activation

Geometry = tuple[int, int, int, int, int, int]
View = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Views:
    """How the arrays of an operator are seen as x, w and out; see the module's docstring."""

    x: View
    w: View
    out: View


@dataclass(frozen=True, eq=False)
class FloatProductKernel:
    """An `ArrayKernel` of one product; `weights` are decoded once if they are constant."""

    sum_dtype: ClassVar[type] = np.float32
    is_ordered: ClassVar[bool] = True

    kernels: Kernels
    accumulation: Accumulation
    geometry: Geometry
    views: Views
    formats: tuple[Format, Format]
    weights: np.ndarray | None
    parameters: FloatDrain

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        x = _operands(self.views.x(inputs[0]), self.formats[0], self.accumulation)
        w = self.weights
        if w is None:
            w = _operands(self.views.w(inputs[1]), self.formats[1], self.accumulation)
        accumulate = self.kernels.get("conv_accumulate_float")
        accumulate(x, w, acc, tile, self.geometry, self.accumulation)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """See `ArrayKernel`."""
        part = self.views.out(output)[
            tile.b0 : tile.b1, tile.y0 : tile.y1, tile.x0 : tile.x1,
            tile.g0 : tile.g1, tile.k0 : tile.k1,
        ]  # fmt: skip
        groups, channels = self.views.out(output).shape[3:]
        order = np.arange(groups * channels).reshape(groups, channels)
        chosen = order[tile.g0 : tile.g1, tile.k0 : tile.k1].reshape(-1)
        self.kernels.get("drain_float")(acc, self.parameters.channels(chosen), part)


def float_convolution(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, geometry: Geometry,
    kernels: Kernels,
) -> ArrayKernel:  # fmt: skip
    """A convolution, or a fully connected layer, whose pixels are rows (weights of rank 2)."""
    w = inputs[1]
    assert w is not None
    groups, axis = getattr(op, "groups", 1), getattr(op, "channel_axis", -1)
    if len(w.shape) == 2:
        rows = Views(
            lambda x: x.reshape(-1, 1, 1, 1, w.shape[1]),
            lambda given: given[None, :, None, None],
            lambda out: out.reshape(-1, 1, 1, 1, w.shape[0]),
        )
        return _bound(op, inputs, out, geometry, rows, w.shape[0], kernels)

    def in_groups(array: np.ndarray) -> np.ndarray:
        pixels = channels_last(array, axis)
        return pixels.reshape(*pixels.shape[:3], groups, -1)

    views = Views(
        in_groups, lambda given: given.reshape(groups, -1, *given.shape[1:]), in_groups
    )  # fmt: skip
    return _bound(op, inputs, out, geometry, views, w.shape[0], kernels)


def float_matmul(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, swaps: tuple[bool, bool],
    geometry: Geometry, kernels: Kernels,
) -> ArrayKernel:  # fmt: skip
    """A batched matrix product; `swaps` says which of its inputs is transposed."""
    batch = out.shape[:-2]

    def matrices(given: np.ndarray, swap: bool) -> np.ndarray:
        x = np.swapaxes(given, -1, -2) if swap else given
        return np.broadcast_to(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:])

    views = Views(
        lambda a: np.moveaxis(matrices(a, swaps[0]), 0, 1)[:, None, None],
        lambda b: np.swapaxes(matrices(b, swaps[1]), 1, 2)[:, :, None, None],
        lambda y: np.moveaxis(y.reshape(-1, *y.shape[-2:]), 0, 1)[:, None, None],
    )
    channels = out.size // (out.shape[-2] or 1)
    return _bound(op, inputs, out, geometry, views, channels, kernels)


def _bound(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, geometry: Geometry, views: Views,
    channels: int, kernels: Kernels,
) -> FloatProductKernel:  # fmt: skip
    x, w = inputs[0], inputs[1]
    how = kernels.accumulation
    assert x is not None and w is not None and how is not None
    _require_floats(op, x, w, out, how)
    scales = None
    if x.quantization is not None or w.quantization is not None:
        scales = np.broadcast_to(_scale(op, x) * _scale(op, w, 0), channels).astype(np.float32)
    bias = inputs[2] if len(inputs) > 2 else None
    low, high = getattr(op, "activation", Activation.NONE).value
    weights = None
    if w.data is not None:
        weights = np.ascontiguousarray(_operands(views.w(w.data), w.format, how))
    drain = FloatDrain(
        scales, None if bias is None else _bias(op, bias),
        -np.inf if low is None else low, np.inf if high is None else high,
        None if out.quantization is None else out.quantization.scalar_scale,
        out.format, saturate=out.quantization is not None and kernels.saturates,
    )  # fmt: skip
    return FloatProductKernel(
        kernels, how, geometry, views, (x.format, w.format), weights, drain
    )  # fmt: skip


def _require_floats(op: Operator, x: Tensor, w: Tensor, out: Tensor, how: Accumulation) -> None:
    """Refuse operands that are no floats, or sums that are none."""
    for tensor in (x, w, out):
        if not tensor.format.is_float:
            what = f"{op.kind} of floats can't take '{tensor.name}', which is {tensor.format.name}"
            raise UnsupportedModelError(Problem(tensor.name, what))
        quantization = tensor.quantization
        if quantization is not None and np.any(quantization.zero_point):
            what = f"'{tensor.name}' is {tensor.format.name} with a zero point that is not 0"
            raise UnsupportedModelError(Problem(tensor.name, what))
    if not how.format.is_float:
        what = f"{op.kind} of {x.format.name} can't be summed in {how.format.name}"
        raise UnsupportedModelError(Problem(out.name, what))


def _scale(op: Operator, tensor: Tensor, axis: int | None = None) -> np.ndarray:
    """float32 scales of a tensor: one, or one an output channel along `axis`."""
    quantization = tensor.quantization
    if quantization is None:
        return np.ones(1, np.float32)
    if quantization.is_per_tensor or (axis is not None and quantization.axis == axis):
        return quantization.scale
    what = f"{op.kind} needs one scale for '{tensor.name}', or of weights one an output channel"
    raise UnsupportedModelError(Problem(tensor.name, what))


def _bias(op: Operator, bias: Tensor) -> np.ndarray:
    """float32 values of a constant bias, stored or real."""
    if bias.data is None:
        what = f"the bias of {op.kind} must be a constant, '{bias.name}' is computed"
        raise UnsupportedModelError(Problem(bias.name, what))
    if bias.quantization is not None:
        return bias.quantization.real(bias.data).reshape(-1)
    if not bias.format.is_float:
        what = f"{op.kind} of floats can't take a bias '{bias.name}' of {bias.format.name}"
        raise UnsupportedModelError(Problem(bias.name, what))
    return decode(bias.data, bias.format).reshape(-1)


def _operands(stored: np.ndarray, fmt: Format, how: Accumulation) -> np.ndarray:
    """float32 values that the multipliers see: in `compute`, subnormals flushed if they are."""
    values = decode(stored, fmt)
    edge = how.compute or fmt
    if edge not in (fmt, FP32):
        values = rounded(values, edge).astype(np.float32)
    if how.subnormals == "flush":
        values = flushed(values, edge).astype(np.float32)
    return values
