"""ReLU with a tensor of slopes below zero, which broadcasts against x; see `pairwise.py`.

The slopes are stored as x is, or they are float32 beside an x on 8 bits, as exporters leave them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.pairs import PlainPair
from npusim.numerics.prelu import PRELU_PARAMETERS, prelu
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class PRelu(Pairwise):
    """Inputs: x, slope."""

    kind: ClassVar[str] = "prelu"
    rate: ClassVar[str] = "relu"
    data_inputs: ClassVar[int | None] = 1
    parameters = PRELU_PARAMETERS

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x; ValueError if the slopes have more extents."""
        (shape,) = super().infer_shapes(inputs)
        x = inputs[0]
        assert x is not None
        if shape != x.shape:
            raise ValueError(f"slopes don't broadcast to the shape {x.shape}")
        return [shape]

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The arithmetic of `profile`; float32 slopes beside integers go through float32."""
        x, slope = inputs
        assert x is not None and slope is not None
        if slope.format != FP32 or x.format == FP32:
            return super().bind(inputs, outputs, profile, kernels)
        out = outputs[0]
        plain = PlainPair(prelu, None, None)
        kernel = ElementwiseKernel(kernels.get("pair_plain"), plain, out.channel_axis)
        return through_float(self, kernel, inputs, out, profile, kernels)
