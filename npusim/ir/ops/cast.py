"""From one number format to another, as the stored values are: no scale takes part.

Input: x of any format, any rank. Output: the same shape. Reals lose their fraction on the way to
integers; every value but zero is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import ElementwiseKernel, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Cast(Operator):
    """Attributes: the name of the output's format."""

    to: str

    kind: ClassVar[str] = "cast"
    keeps_axes: ClassVar[bool] = True
    quantizable: ClassVar[bool] = False

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x."""
        x = inputs[0]
        assert x is not None
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One step an element."""
        return vector_nest(inputs, outputs, "copy")

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same conversion under every profile."""
        out = outputs[0]
        if out.format.name != self.to:
            what = f"cast to {self.to} gives '{out.name}', which is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        return ElementwiseKernel(kernels.get("cast_exact"), None, out.channel_axis)
