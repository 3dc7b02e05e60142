"""A ReLU that stands alone: requantize to the output's scale, clamp to the activation's bounds.

Input: x int8, uint8, int16 or float32, any rank. Output: the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.elements.unary import on_floats
from npusim.ir.ops.vector import ElementwiseKernel, quantized, require_one_width
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, clamp_range
from npusim.numerics.rescale import RESCALE_PARAMETERS
from npusim.numerics.unary import FLOAT32, float_function


@dataclass(frozen=True)
class Relu(SameShape):
    """Attributes of a stand-alone clamp: which one."""

    activation: Activation = Activation.RELU

    kind: ClassVar[str] = "relu"
    rate: ClassVar[str] = "relu"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Rescaling in the arithmetic of `profile`."""
        out, x = outputs[0], inputs[0]
        assert x is not None
        if x.format == FP32:
            low, high = self.activation.value
            bounds = (-inf if low is None else low, inf if high is None else high)
            return on_floats(self, float_function("clip", bounds, FLOAT32), out, kernels)
        qx, qy = quantized(self, x), quantized(self, out)
        require_one_width(self, x, out)
        arithmetic = profile.arithmetic(self.kind, out.format.name)
        rounding = profile.clamp(self.kind, out.format.name)
        clamp = clamp_range(self.activation, out.format, qy, rounding)
        parameters = RESCALE_PARAMETERS[arithmetic](qx, qy, clamp)
        return ElementwiseKernel(kernels.get(f"rescale_{arithmetic}"), parameters, out.channel_axis)
