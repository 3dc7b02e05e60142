"""From one number format to another, as the stored values are: no scale takes part.

Input: x of any format, any rank. Output: the same shape. Reals lose their fraction on the way to
integers; every value but zero is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.conversion import Conversion
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Cast(SameShape):
    """Attributes: the name of the output's format; whether 8-bit floats saturate."""

    to: str
    saturate: bool = True

    kind: ClassVar[str] = "cast"
    takes_narrow_floats: ClassVar[bool] = True
    rate: ClassVar[str] = "copy"
    quantizable: ClassVar[bool] = False

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same conversion under every profile."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if out.format.name != self.to:
            what = f"cast to {self.to} gives '{out.name}', which is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        conversion = Conversion(x.format, out.format, self.saturate)
        return ElementwiseKernel(kernels.get("cast_exact"), conversion, out.channel_axis)
