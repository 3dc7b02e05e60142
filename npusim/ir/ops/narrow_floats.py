"""Operators on floating-point formats narrower than float32: decoded, computed in float32, rounded.

FP16, BF16 and FP8 tensors of the vector unit and of the host. Inputs become float32 (a quantized
tensor times its scale), the operator's float32 kernel runs, and its results are divided by the
output's scale, if it has one, and rounded once to its format: quantized ones saturate, as
QuantizeLinear does, unless the hardware does not; others become infinity, as Cast does. ONNX
Runtime runs fp16 on a processor without fp16 instructions in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.vector import part
from npusim.ir.ops.whole import HostKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last, empty_like_memory
from npusim.kernels.table import Kernels
from npusim.numerics.floats import decode, encode
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile


def bind_operator(
    op: Operator, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], profile: Profile,
    kernels: Kernels,
) -> ArrayKernel | VectorKernel:  # fmt: skip
    """The kernel of `op` for these tensors, whatever their formats; see `Operator.bind`."""
    on_array = kernels.accumulation is not None and kernels.accumulation.format.is_float
    if on_array and not op.sums_floats:
        what = f"{op.kind} is counted on an array of floats, but not executed on it"
        raise UnsupportedModelError(Problem(outputs[0].name, what))
    narrow = any(_is_narrow(tensor) for tensor in (*inputs, *outputs))
    if not narrow or op.takes_narrow_floats or on_array:
        return op.bind(inputs, outputs, profile, kernels)
    reals = [None if tensor is None else _as_real(tensor) for tensor in inputs]
    real_outputs = [_as_real(tensor) for tensor in outputs]
    kernel = cast(VectorKernel, op.bind(reals, real_outputs, profile, kernels))
    return NarrowFloatKernel(kernel, tuple(inputs), tuple(outputs), kernels.saturates)


@dataclass(frozen=True, eq=False)
class NarrowFloatKernel:
    """A `VectorKernel` around `kernel`, which takes and gives float32 instead of narrow floats."""

    kernel: VectorKernel
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    saturates: bool

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        reals = [
            x if tensor is None or not _is_narrow(tensor) else _real(x, tensor)
            for x, tensor in zip(inputs, self.inputs, strict=True)
        ]
        results = [
            empty_like_memory(tensor.shape, np.float32, tensor.channel_axis)
            if _is_narrow(tensor)
            else out
            for out, tensor in zip(outputs, self.outputs, strict=True)
        ]
        self.kernel.compute(reals, results, tile)
        in_parts = len(outputs) == 1 and not isinstance(self.kernel, HostKernel)
        for out, result, tensor in zip(outputs, results, self.outputs, strict=True):
            if _is_narrow(tensor):
                given, target = (channels_last(a, tensor.channel_axis) for a in (result, out))
                if in_parts:  # the loops of an array count other tiles than pixels and channels
                    given, target = part(given, tile), part(target, tile)
                target[...] = _stored(given, tensor, self.saturates)


def _is_narrow(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.format.is_float and tensor.format != FP32


def _as_real(tensor: Tensor) -> Tensor:
    """The tensor with float32 values, of its data too."""
    if not _is_narrow(tensor):
        return tensor
    data = None if tensor.data is None else _real(tensor.data, tensor)
    return replace(tensor, format=FP32, quantization=None, data=data)


def _real(stored: np.ndarray, tensor: Tensor) -> np.ndarray:
    values = decode(stored, tensor.format)
    if tensor.quantization is None:
        return values
    real: np.ndarray = values * _scales(tensor)
    return real


def _stored(values: np.ndarray, tensor: Tensor, saturates: bool) -> np.ndarray:
    if tensor.quantization is None:
        return encode(values, tensor.format)
    return encode(values / tensor.quantization.scalar_scale, tensor.format, saturates)


def _scales(tensor: Tensor) -> np.ndarray:
    """float32 scales in the shape that broadcasts against the tensor."""
    quantization = tensor.quantization
    assert quantization is not None
    shape = [1] * len(tensor.shape)
    if not quantization.is_per_tensor and quantization.axis is not None:
        shape[quantization.axis] = -1
    return quantization.scale.reshape(shape)
