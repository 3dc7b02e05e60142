"""Sum of two quantized tensors with broadcasting; each input has its own scale.

Inputs: a, b, int8 or uint8, whose shapes broadcast. Output: their real sum, requantized, clamped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import ElementwiseKernel, quantized, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.elementwise import ADD_PARAMETERS
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, clamp_range


@dataclass(frozen=True)
class Add(Operator):
    """Attributes of an addition: the activation of its output."""

    activation: Activation = Activation.NONE

    kind: ClassVar[str] = "add"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The broadcast shape."""
        a, b = inputs
        assert a is not None and b is not None
        return [np.broadcast_shapes(a.shape, b.shape)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One addition an output element."""
        return vector_nest(inputs, outputs, "add")

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Addition in the arithmetic of `profile`."""
        out = outputs[0]
        qa, qb, qy = (quantized(self, tensor) for tensor in (inputs[0], inputs[1], out))
        arithmetic = profile.arithmetic(self.kind, out.format.name)
        rounding = profile.arithmetic("clamp", self.kind)
        clamp = clamp_range(self.activation, out.format, qy, rounding)
        parameters = ADD_PARAMETERS[arithmetic](qa, qb, qy, clamp)
        return ElementwiseKernel(kernels.get(f"add_{arithmetic}"), parameters, out.channel_axis)
