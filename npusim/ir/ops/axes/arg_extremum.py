"""What argmax and argmin share: the place of an extremum along one axis.

Input: x of any format. Output: int32 or int64, x without the axis or with extent 1 there. The order
of stored integers is that of the reals, so a scale does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.axes.reduction import Reduction, RowsKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import INT32, INT64
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class ArgExtremum(Reduction):
    """Attributes: `axes` with one axis; whether the last of equal elements counts, or the first."""

    last: bool = False

    rate: ClassVar[str] = "pool"
    compares: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x after the reduction."""
        x = inputs[0]
        assert x is not None
        if len(self.axes) != 1:
            raise ValueError(f"{len(self.axes)} axes, not one")
        shapes = super().infer_shapes(inputs)
        if x.shape[self.axes[0]] == 0:
            raise ValueError(f"axis {self.axes[0]} of shape {x.shape} is empty")
        return shapes

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The comparison, whatever the format."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if out.format not in (INT32, INT64):
            what = f"{self.kind} gives int32 or int64, '{out.name}' is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        function = kernels.get("arg_extremum")
        parameters = (self.kind, self.last)
        return RowsKernel(function, parameters, self.reduced(x.shape), out.channel_axis)
