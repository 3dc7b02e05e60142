"""The largest or smallest elements along an axis, in order, and their places; on the host.

Input: x, any rank: float32, or integers that mean themselves. Outputs: `count` values along the
axis, and their int64 indices; of equal values the first comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.movement import data_of, normal_axis
from npusim.ir.ops.pairs.broadcast import is_plain, require_number
from npusim.ir.ops.vector import ALL_SPLITS, NO_SPLITS, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class TopK(Operator):
    """Attributes: how many elements along which axis, the largest ones or the smallest."""

    count: int
    axis: int = -1
    largest: bool = True

    kind: ClassVar[str] = "top_k"
    quantizable: ClassVar[bool] = False
    host_only: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Twice the shape of x with `count` elements along the axis."""
        shape = list(data_of(self, inputs).shape)
        axis = normal_axis(self.axis, len(shape))
        if not 1 <= self.count <= shape[axis]:
            raise ValueError(f"has {shape[axis]} elements along axis {axis}, not {self.count}")
        shape[axis] = self.count
        return [tuple(shape)] * 2

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """A comparison with each element of the axis for each result; a host runs it whole."""
        x, places = data_of(self, inputs), outputs[1]
        taps = (1, x.shape[self.axis])
        nest = vector_nest(inputs, outputs, "max", taps=taps, splits=NO_SPLITS, whole_inputs=True)
        second = Operand(places.name, "output", places.format.bits, ALL_SPLITS)
        return replace(nest, operands=(*nest.operands, second), input_size=taps)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The selection from float32 or from integers."""
        x = data_of(self, inputs)
        if is_plain(x) and x.format.is_integer and outputs[0].format == x.format:
            require_number(self, x)
            return _TopKKernel(kernels.get("top_k_plain"), self)
        if x.format != FP32 or outputs[0].format != FP32:
            what = f"{self.kind} of {x.format.name} is not supported"
            raise UnsupportedModelError(Problem(outputs[0].name, what))
        name = f"{self.kind}_{profile.arithmetic(self.kind, x.format.name)}"
        return _TopKKernel(kernels.get(name), self)


@dataclass(frozen=True, eq=False)
class _TopKKernel:
    """Computes both outputs whole, whatever the tile: it is a host's operator."""

    function: Any
    op: TopK

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        rows = [np.moveaxis(a, self.op.axis, -1) for a in (inputs[0], *outputs)]
        self.function(*rows, self.op.largest)
