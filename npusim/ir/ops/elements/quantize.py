"""From float32 to 8-bit integers: q = clamp(round(x / scale) + zero_point).

Input: x float32, any rank. Output: the same shape, int8 or uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.vector import ElementwiseKernel, quantized
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import Affine


@dataclass(frozen=True)
class Quantize(SameShape):
    """A quantization has no attributes; the tensors say it all."""

    kind: ClassVar[str] = "quantize"
    takes_narrow_floats: ClassVar[bool] = True
    rate: ClassVar[str] = "requantize"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The rounding of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if x.format != FP32:
            what = f"quantize needs a float32 input, '{x.name}' is {x.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        qy = quantized(self, out)
        clamp = (out.format.low, out.format.high)
        parameters = Affine(qy.scalar_scale, qy.scalar_zero_point, *clamp)
        function = kernels.get(f"quantize_{profile.arithmetic(self.kind, out.format.name)}")
        return ElementwiseKernel(function, parameters, out.channel_axis)
