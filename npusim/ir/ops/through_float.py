"""Integers in, integers out, float32 between: what a framework does without an integer kernel.

ONNX Runtime runs such a node as DequantizeLinear, the operator in float32, QuantizeLinear. The
three are one kernel here, with the same roundings, so that an NPU can count it as one operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import part, quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last, empty_like_memory
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import Affine


@dataclass(frozen=True, eq=False)
class ThroughFloatKernel:
    """A `VectorKernel` around `kernel`, which takes and gives float32.

    `dequantize[i]` is a (function, parameters) for input i, None for one that is float already.
    """

    kernel: VectorKernel
    dequantize: tuple[tuple[Any, Affine] | None, ...]
    quantize: tuple[Any, Affine]
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        reals = [_real(x, step) for x, step in zip(inputs, self.dequantize, strict=True)]
        out = outputs[0]
        real = empty_like_memory(out.shape, np.float32, self.channel_axis)
        self.kernel.compute(reals, [real], tile)
        function, parameters = self.quantize
        source, target = (part(channels_last(a, self.channel_axis), tile) for a in (real, out))
        function(source, target, parameters)


def through_float(
    op: Operator, kernel: VectorKernel, inputs: Sequence[Tensor | None], out: Tensor,
    profile: Profile, kernels: Kernels,
) -> VectorKernel:  # fmt: skip
    """`kernel` of float32 tensors for the 8-bit ones of `inputs` and `out`, as `profile` rounds."""
    steps: list[tuple[Any, Affine] | None] = []
    for tensor in inputs:
        if tensor is None or tensor.quantization is None:
            steps.append(None)
            continue
        function = kernels.get(f"dequantize_{profile.arithmetic('dequantize', tensor.format.name)}")
        steps.append((function, affine_of(op, tensor)))
    quantize = kernels.get(f"quantize_{profile.arithmetic('quantize', out.format.name)}")
    return ThroughFloatKernel(
        kernel, tuple(steps), (quantize, affine_of(op, out)), out.channel_axis
    )


def affine_of(op: Operator, tensor: Tensor) -> Affine:
    """Scale, zero point and bounds of an 8-bit tensor of `op`."""
    quantization = quantized(op, tensor)
    bounds = tensor.format.low, tensor.format.high
    return Affine(quantization.scalar_scale, quantization.scalar_zero_point, *bounds)


def _real(x: np.ndarray, step: tuple[Any, Affine] | None) -> np.ndarray:
    if step is None:
        return x
    real = np.empty_like(x, np.float32)
    step[0](x, real, step[1])
    return real
