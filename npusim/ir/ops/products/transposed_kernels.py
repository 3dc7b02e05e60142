"""How a transposed convolution is computed: integer sums, float32, or float32 between integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.products.drain import EIGHT, ConvolutionKernel
from npusim.ir.ops.products.phases import Interleaving
from npusim.ir.ops.products.real_products import clamped, real_constant, require_real
from npusim.ir.ops.through_float import affine_of
from npusim.ir.ops.whole import HostKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, Quantization

THROUGH_FLOAT = "through_float"
"""The arithmetic of a framework that dequantizes, computes in float32, and quantizes."""


def integer_kernel(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, places: Interleaving,
    profile: Profile, kernels: Kernels, row: str,
) -> ArrayKernel:  # fmt: skip
    """Sums of the convolution over phases, drained into their pixels as `row` of `profile` says."""
    w = inputs[1]
    assert w is not None and w.data is not None
    zeros = np.zeros(w.shape[0]) if w.quantization is None else w.quantization.zero_point
    data = places.spread_weights(w.data, np.broadcast_to(zeros, w.shape[0]))
    quantization = None if w.quantization is None else _repeated(w.quantization, places.phases)
    spread = replace(w, shape=data.shape, data=data, quantization=quantization)
    given: list[Tensor | None] = [inputs[0], spread]
    if len(inputs) > 2 and inputs[2] is not None:
        bias = inputs[2]
        values = None if bias.data is None else np.repeat(bias.data.reshape(-1), places.phases)
        given.append(replace(bias, shape=(data.shape[0],), data=values))
    geometry = (1, 1, 1, 1, places.y.padding, places.x.padding)
    kernel = ConvolutionKernel.bind(op, given, [out], geometry, profile, kernels, row)
    if kernel.upwards is not None:
        kernel = replace(kernel, upwards=w.shape[0] // EIGHT * EIGHT * places.phases)
    return _InterleavedKernel(kernel, places)


def _repeated(quantization: Quantization, times: int) -> Quantization:
    """The quantization of every output channel for each of its phases."""
    if quantization.is_per_tensor:
        return quantization
    scale, zero = (np.repeat(v, times) for v in (quantization.scale, quantization.zero_point))
    return Quantization(scale, zero, quantization.axis)


@dataclass(frozen=True, eq=False)
class _InterleavedKernel:
    """An `ArrayKernel`: the convolution over phases, whose drain interleaves their pixels."""

    kernel: ConvolutionKernel
    places: Interleaving

    @property
    def sum_dtype(self) -> type:
        return self.kernel.sum_dtype

    @property
    def is_ordered(self) -> bool:
        return self.kernel.is_ordered

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        self.kernel.accumulate(inputs, acc, tile)

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        part = np.empty(acc.shape, output.dtype)
        self.kernel.requantize(acc, part, tile)
        self.places.write(part, output, tile)


def real_kernel(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, places: Interleaving,
    kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """The operator of float32 tensors, whole."""
    require_real(op, out)
    return HostKernel(_Real.of(op, inputs, out, places, kernels))


def through_float_kernel(
    op: Operator, inputs: Sequence[Tensor | None], out: Tensor, places: Interleaving,
    profile: Profile, kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """Dequantize, the operator of float32, quantize, in the roundings of `profile`."""
    x = inputs[0]
    assert x is not None
    dequantize = kernels.get(f"dequantize_{profile.arithmetic('dequantize', x.format.name)}")
    quantize = kernels.get(f"quantize_{profile.arithmetic('quantize', out.format.name)}")
    real = _Real.of(op, inputs, out, places, kernels)
    return _ThroughFloat(
        real, partial(_converted, dequantize, affine_of(op, x)),
        partial(_converted, quantize, affine_of(op, out)), places,
    )  # fmt: skip


def _converted(
    function: Any, parameters: Any, dtype: np.typing.DTypeLike, x: np.ndarray
) -> np.ndarray:
    y = np.empty_like(x, dtype)
    function(x, y, parameters)
    return y


def _scaled(bias: Tensor | None, x: Tensor, w: Tensor) -> Tensor | None:
    """An int32 bias that states no scale has the product of those of input and weights."""
    known = bias is None or bias.quantization is not None or not bias.format.is_integer
    if known or x.quantization is None or w.quantization is None:
        return bias
    assert bias is not None
    scale = x.quantization.scalar_scale * w.quantization.scale
    axis = 0 if scale.size > 1 else None
    quantization = Quantization(scale, np.zeros(scale.size, np.int32), axis)
    return replace(bias, shape=(bias.size,), data=None if bias.data is None else
                   bias.data.reshape(-1), quantization=quantization)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _ThroughFloat:
    """A `VectorKernel` on the array's tiles: takes the tile's pixels of the whole result."""

    real: _Real
    dequantize: Any
    quantize: Any
    places: Interleaving

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        real = self.real([self.dequantize(np.float32, inputs[0])])
        self.places.copy(self.quantize(outputs[0].dtype, real), outputs[0], tile)


@dataclass(frozen=True, eq=False)
class _Real:
    """The whole float32 output of a float32 input."""

    function: Any
    weights: np.ndarray
    bias: np.ndarray | None
    geometry: tuple[int, ...]
    shape: tuple[int, ...]
    groups: int
    channel_axis: int
    activation: Activation

    @staticmethod
    def of(
        op: Operator, inputs: Sequence[Tensor | None], out: Tensor, places: Interleaving,
        kernels: Kernels,
    ) -> _Real:  # fmt: skip
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        bias = _scaled(inputs[2], x, w) if len(inputs) > 2 else None
        weights = real_constant(op, w)
        assert weights is not None
        rows, cols = places.y, places.x
        return _Real(
            kernels.get("transposed_convolution_float32"), weights,
            None if bias is None else real_constant(op, bias),
            (rows.stride, cols.stride, rows.dilation, cols.dilation, rows.cut, cols.cut),
            out.shape,
            places.groups, places.channel_axis, getattr(op, "activation", Activation.NONE),
        )  # fmt: skip

    def __call__(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        groups = self.groups
        out = np.empty(self.shape, np.float32)
        x, y = (channels_last(a, self.channel_axis) for a in (inputs[0], out))
        w = self.weights.reshape(groups, -1, *self.weights.shape[1:])
        result = np.empty((*y.shape[:3], *w.shape[:2]), np.float32)
        bias = None if self.bias is None else self.bias.reshape(w.shape[:2])
        pixels = x.reshape(*x.shape[:3], groups, -1)
        self.function(pixels, w, bias, result, self.geometry)
        y[...] = clamped(result.reshape(y.shape), self.activation)
        return out
