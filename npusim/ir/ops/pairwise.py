"""What sum and product share: two quantized tensors with broadcasting, each with its own scale.

Inputs: a, b, int8 or uint8, whose shapes broadcast. Output: the real result, requantized, clamped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import ElementwiseKernel, quantized, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation, clamp_range


@dataclass(frozen=True)
class Pairwise(Operator):
    """Attributes: the activation of the output. `kind` is the vector unit's rate, too."""

    activation: Activation = Activation.NONE

    keeps_axes: ClassVar[bool] = True
    parameters: ClassVar[Mapping[str, Callable[..., Any]]]
    """Parameters of each arithmetic, from the quantization of a, b and output, and the clamp."""

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The broadcast shape."""
        a, b = inputs
        assert a is not None and b is not None
        return [np.broadcast_shapes(a.shape, b.shape)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One operation an output element."""
        return vector_nest(inputs, outputs, self.kind)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The operation in the arithmetic of `profile`."""
        out = outputs[0]
        qa, qb, qy = (quantized(self, tensor) for tensor in (inputs[0], inputs[1], out))
        arithmetic = profile.arithmetic(self.kind, out.format.name)
        rounding = profile.arithmetic("clamp", self.kind)
        clamp = clamp_range(self.activation, out.format, qy, rounding)
        function = kernels.get(f"{self.kind}_{arithmetic}")
        return ElementwiseKernel(
            function, self.parameters[arithmetic](qa, qb, qy, clamp), out.channel_axis
        )
