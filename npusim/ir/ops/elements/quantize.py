"""From reals to stored numbers: q = clamp(round(x / scale) + zero_point).

Input: x float32, fp16 or bf16, any rank. Output: the same shape, integers of 4 to 16 bits or 8-bit
floats, whose tensor has the scale: one for all, one a channel, or one a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.elements.scaled import ScaledKernel, require_quantization
from npusim.ir.ops.vector import QUANTIZED, ElementwiseKernel, TailKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import BF16, FP16, FP32, format_named
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import Affine
from npusim.numerics.scaled import Scaling

BY_EIGHTS = "rint_by_eights"
"""The arithmetic that rounds whole vectors otherwise than the rest."""
VECTOR_ELEMENTS = 8

REALS = (FP32, FP16, BF16)
"""Formats that are quantized from, and dequantized to."""


@dataclass(frozen=True)
class Quantize(SameShape):
    """Attributes: what becomes of numbers beyond an 8-bit float, as ONNX's QuantizeLinear has it
    (its greatest number, or what the format has: infinity or NaN); the format of the quotient.
    """

    saturate: bool = True
    division: str = FP32.name

    kind: ClassVar[str] = "quantize"
    takes_narrow_floats: ClassVar[bool] = True
    rate: ClassVar[str] = "requantize"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The rounding of `profile` where one scale makes integers of float32, else ONNX's."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if x.format not in REALS:
            what = f"quantize needs a float32, fp16 or bf16 input, '{x.name}' is {x.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        quantization = require_quantization(self, out)
        plain = x.format == FP32 and self.division == FP32.name and out.format in QUANTIZED
        if plain and quantization.is_per_tensor:
            clamp = (out.format.low, out.format.high)
            parameters = Affine(quantization.scalar_scale, quantization.scalar_zero_point, *clamp)
            arithmetic = profile.arithmetic(self.kind, out.format.name)
            if arithmetic == BY_EIGHTS:
                return _by_eights(parameters, out, kernels)
            function = kernels.get(f"quantize_{arithmetic}")
            return ElementwiseKernel(function, parameters, out.channel_axis)
        scaling = Scaling(x.format, out.format, self.saturate, format_named(self.division))
        return ScaledKernel.bind("scaled_quantize", out, quantization, scaling, kernels)


def _by_eights(parameters: Affine, out: Tensor, kernels: Kernels) -> VectorKernel:
    """Eight elements at a time times 1 / scale, to even; what is left over in float64, away from 0.

    So LiteRT's compiled kernel makes int16.
    """
    body, tail = (
        ElementwiseKernel(kernels.get(f"quantize_{name}"), parameters, out.channel_axis)
        for name in ("rint_reciprocal", "float64_half_away")
    )
    return TailKernel(body, tail, out.size - out.size % VECTOR_ELEMENTS)
