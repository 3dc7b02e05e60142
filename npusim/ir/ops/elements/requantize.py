"""From one quantization to another.

Input: x, integers of 4 to 16 bits or 8-bit floats, any rank. Output: the same shape and real
values, with the output's scale and format. With 8-bit floats and 4-bit integers as ONNX does it: a
dequantization to float32 and a quantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.elements.scaled import ScaledKernel, require_quantization
from npusim.ir.ops.vector import QUANTIZED, ElementwiseKernel, TailKernel, quantized
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import RESCALE_PARAMETERS
from npusim.numerics.scaled import Scaling

SMALLEST_RATIO, LARGEST_RATIO = 2.0**-8, 2.0**7
"""Scale ratios that XNNPACK takes; it also wants one format. The rest is `requantize_other`."""

VECTOR_ELEMENTS = 16
"""Elements that TFLite's compiled requantization handles together."""


@dataclass(frozen=True)
class Requantize(SameShape):
    """A requantization has no attributes; the tensors say it all."""

    kind: ClassVar[str] = "requantize"
    takes_narrow_floats: ClassVar[bool] = True
    rate: ClassVar[str] = "requantize"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Rescaling in the arithmetic of `profile`."""
        out = outputs[0]
        x = inputs[0]
        assert x is not None
        if x.format not in QUANTIZED or out.format not in QUANTIZED:
            return _through_reals(self, x, out, kernels)
        qx, qy = quantized(self, x), quantized(self, out)
        ratio = float(qx.scalar_scale) / float(qy.scalar_scale)
        is_plain = x.format == out.format and SMALLEST_RATIO <= ratio < LARGEST_RATIO
        kind = self.kind if is_plain else "requantize_other"
        wider = x if x.format.bits > out.format.bits else out
        arithmetic = profile.arithmetic(kind, wider.format.name)
        parameters = RESCALE_PARAMETERS[arithmetic](qx, qy, (out.format.low, out.format.high))
        function = kernels.get(f"rescale_{arithmetic}")
        kernel = ElementwiseKernel(function, parameters, out.channel_axis)
        if arithmetic != "half_up":
            return kernel
        last = ElementwiseKernel(
            kernels.get("rescale_double_rounding"), parameters, out.channel_axis
        )
        return TailKernel(kernel, last, out.size - out.size % VECTOR_ELEMENTS)


def _through_reals(op: Requantize, x: Tensor, out: Tensor, kernels: Kernels) -> VectorKernel:
    """A dequantization to float32, and a quantization."""
    steps = [
        ScaledKernel.bind(name, out, require_quantization(op, tensor), scaling, kernels)
        for name, tensor, scaling in (
            ("scaled_dequantize", x, Scaling(x.format, FP32)),
            ("scaled_quantize", out, Scaling(FP32, out.format)),
        )
    ]
    return _TwoSteps(*steps)


@dataclass(frozen=True, eq=False)
class _TwoSteps:
    """What `first` makes of a tile as float32, made into the output by `second`."""

    first: ScaledKernel
    second: ScaledKernel

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        real = np.empty_like(outputs[0], np.float32)
        self.first.compute(inputs, [real], tile)
        self.second.compute([real], outputs, tile)
