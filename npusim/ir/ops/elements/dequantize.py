"""From 8-bit integers to float32: x = scale * (q - zero_point).

Input: q int8 or uint8, any rank. Output: the same shape, float32.
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
class Dequantize(SameShape):
    """A dequantization has no attributes; the tensors say it all."""

    kind: ClassVar[str] = "dequantize"
    takes_narrow_floats: ClassVar[bool] = True
    rate: ClassVar[str] = "requantize"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The product of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if out.format != FP32:
            what = f"dequantize gives float32, '{out.name}' is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        qx = quantized(self, x)
        parameters = Affine(qx.scalar_scale, qx.scalar_zero_point, x.format.low, x.format.high)
        function = kernels.get(f"dequantize_{profile.arithmetic(self.kind, x.format.name)}")
        return ElementwiseKernel(function, parameters, out.channel_axis)
