"""Convolution, fully connected layer and matrix product of float32 tensors.

An array of 8-bit multipliers does not run them: they are parts of a network that its quantizer left
in float32, and run on the host. Constants that are stored as integers are read as what they stand
for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.whole import HostKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.quantization import Activation

Geometry = tuple[int, int, int, int, int, int]


def require_real(op: Operator, out: Tensor) -> None:
    """Refuse an output that is not float32 behind an input that is."""
    if out.format != FP32:
        what = f"{op.kind} of float32 gives float32, '{out.name}' is {out.format.name}"
        raise UnsupportedModelError(Problem(out.name, what))


def real_convolution(
    op: Operator, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], geometry: Geometry,
    kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """The float32 convolution `op`; `geometry` is that of the kernel."""
    w, out = inputs[1], outputs[0]
    bias = inputs[2] if len(inputs) > 2 else None
    assert w is not None
    require_real(op, out)
    product = _Convolution(
        kernels, geometry, getattr(op, "groups", 1), getattr(op, "channel_axis", -1), out.shape,
        real_constant(op, w), None if bias is None else real_constant(op, bias),
        getattr(op, "activation", Activation.NONE),
    )  # fmt: skip
    return HostKernel(product)


@dataclass(frozen=True, eq=False)
class _Convolution:
    """The whole output of a convolution, or of a fully connected layer, whose pixels are rows.

    Weights [O, FY, FX, C] or [O, C] and a bias of None are inputs 1 and 2.
    """

    kernels: Kernels
    geometry: Geometry
    groups: int
    channel_axis: int
    shape: tuple[int, ...]
    weights: np.ndarray | None
    bias: np.ndarray | None
    activation: Activation

    def __call__(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        w = inputs[1] if self.weights is None else self.weights
        bias = inputs[2] if self.bias is None and len(inputs) > 2 else self.bias
        rows = w.ndim == 2
        w = w[:, None, None] if rows else w
        w = w.reshape(self.groups, -1, *w.shape[1:])
        x = inputs[0].reshape(-1, 1, 1, w.shape[4]) if rows else self._pixels(inputs[0])
        x = x.reshape(*x.shape[:3], self.groups, w.shape[4])
        out = np.empty(self.shape, np.float32)
        y = out.reshape(-1, 1, 1, self.shape[-1]) if rows else self._pixels(out)
        result = np.empty((*y.shape[:3], *w.shape[:2]), np.float32)
        shift = None if bias is None else bias.reshape(w.shape[:2])
        self.kernels.get("convolution_float32")(x, w, shift, result, self.geometry)
        y[...] = clamped(result.reshape(y.shape), self.activation)
        return out

    def _pixels(self, array: np.ndarray) -> np.ndarray:
        return channels_last(array, self.channel_axis)


def real_matmul(
    op: Operator, inputs: tuple[Tensor, Tensor], out: Tensor, swaps: tuple[bool, bool],
    kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """The float32 matrix product `op`; `swaps` says which of its inputs is transposed."""
    require_real(op, out)
    constants = [real_constant(op, tensor) for tensor in inputs]

    def product(arrays: Sequence[np.ndarray]) -> np.ndarray:
        result = np.empty(out.shape, np.float32)
        given = [x if c is None else c for x, c in zip(arrays, constants, strict=True)]
        a, b = (np.swapaxes(x, -1, -2) if s else x for x, s in zip(given, swaps, strict=True))
        kernels.get("matmul_float32")(a, b, result)
        return result

    return HostKernel(product)


def clamped(values: np.ndarray, activation: Activation) -> np.ndarray:
    """float32 `values` inside the bounds of `activation`."""
    if activation is Activation.NONE:
        return values
    clipped: np.ndarray = np.clip(values, *activation.value)
    return clipped


def real_constant(op: Operator, tensor: Tensor) -> np.ndarray | None:
    """float32 values of a constant, stored or real; None for a float32 tensor that is computed."""
    if tensor.format != FP32 and (tensor.data is None or tensor.quantization is None):
        what = f"{op.kind} of float32 can't take '{tensor.name}', which is {tensor.format.name}"
        raise UnsupportedModelError(Problem(tensor.name, what))
    if tensor.data is None:
        return None
    return (
        tensor.data
        if tensor.quantization is None
        else tensor.quantization.real(tensor.data, tensor.format)
    )
