"""What operators share that only move values: each output element is a copy of one input element.

An operator says how numpy rearranges its whole input; the frame takes the tile's part of that. A
tile of a movement may be cut along every loop. It reads as many elements as it writes, or its share
of the input where the output repeats values; a DRAM counts the runs that the tile has in the
output. A slice of the outermost axis is a copy like any other; only what keeps the order in memory
of all elements is a view (`Unit.ALIAS`) and costs nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile, Unit
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import copying_nest, part, require_same_quantization
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


class Movement(Operator):
    """Base of the operators that copy values of any format, unchanged under every profile.

    Inputs: x, and what says where to take values from (indices). Output: values of x.
    """

    moves: ClassVar[bool] = True
    rate: ClassVar[str] = "copy"
    """The vector unit's rate that counts."""
    only_enlarges: ClassVar[bool] = False
    """True if the input is part of the output, so that one of the input's shape is the input."""

    @abstractmethod
    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The whole output, in logical order; a view of `inputs[0]` where numpy has one."""

    def is_view(self, x: Tensor, out: Tensor) -> bool:
        """True if the elements of `x` and `out` have one order in memory."""
        return self.only_enlarges and is_unchanged(x, out)

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One copy an output element; nothing for a view."""
        x = inputs[0]
        assert x is not None
        unit = Unit.ALIAS if self.is_view(x, outputs[0]) else Unit.VECTOR
        return copying_nest(inputs, outputs, self.rate, unit=unit)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """A copy; the same under every profile."""
        x = inputs[0]
        assert x is not None
        require_same_quantization(self, x, outputs[0])
        return MovementKernel(self, outputs[0].channel_axis)


@dataclass(frozen=True, eq=False)
class MovementKernel:
    """Writes the tile's part of what `op` makes of its inputs."""

    op: Movement
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        source = channels_last(self.op.moved(inputs), self.channel_axis)
        part(channels_last(outputs[0], self.channel_axis), tile)[...] = part(source, tile)


def is_unchanged(x: Tensor, out: Tensor) -> bool:
    """True if `x` and `out` have one shape and one order in memory."""
    return x.shape == out.shape and memory_order(x) == memory_order(out)


def data_of(op: Operator, inputs: Sequence[Tensor | None]) -> Tensor:
    """The tensor whose values move, the first input; ValueError if it is absent."""
    if not inputs or inputs[0] is None:
        raise ValueError(f"{op.kind} has no input")
    return inputs[0]


def normal_axis(axis: int, rank: int) -> int:
    """`axis` counted from the front; ValueError if a tensor of `rank` has no such axis."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is outside rank {rank}")
    return axis % rank


def memory_order(tensor: Tensor) -> list[int]:
    """Axes of `tensor` from the outermost in memory to the innermost."""
    rank = len(tensor.shape)
    inner = tensor.channel_axis % max(1, rank)
    return [axis for axis in range(rank) if axis != inner] + ([inner] if rank else [])
