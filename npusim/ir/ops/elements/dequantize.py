"""From stored numbers to reals: x = scale * (q - zero_point).

Input: q integers of 4 to 32 bits or 8-bit floats, any rank, whose tensor has the scale: one for
all, one a channel, or one a block. Output: the same shape, float32, fp16 or bf16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.quantize import REALS
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.elements.scaled import ScaledKernel, require_quantization
from npusim.ir.ops.vector import QUANTIZED, ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import Affine
from npusim.numerics.scaled import Scaling


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
        """The product of `profile` where one scale makes float32 of integers, else ONNX's."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if out.format not in REALS:
            what = f"dequantize gives float32, fp16 or bf16, '{out.name}' is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        quantization = require_quantization(self, x)
        if out.format == FP32 and x.format in QUANTIZED and quantization.is_per_tensor:
            clamp = (x.format.low, x.format.high)
            parameters = Affine(quantization.scalar_scale, quantization.scalar_zero_point, *clamp)
            function = kernels.get(f"dequantize_{profile.arithmetic(self.kind, x.format.name)}")
            return ElementwiseKernel(function, parameters, out.channel_axis)
        scaling = Scaling(x.format, out.format)
        return ScaledKernel.bind("scaled_dequantize", out, quantization, scaling, kernels)
