"""What every operator provides. One operator is one file in `npusim/ir/ops/`.

An operator is a frozen dataclass whose fields are its attributes. It knows its signature, its
shapes and types, its loop nest, and which kernel computes it; it knows nothing of tiles, time or
files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@runtime_checkable
class ArrayKernel(Protocol):
    """An operator bound to its tensors, on the MAC array: partial sums, then the drain.

    Arrays have the logical shapes of the graph. `acc` is [b, oy, ox, g, k] for the extents of the
    tile, zero before the first reduction tile; int32, or what the attribute `sum_dtype` says. An
    attribute `is_ordered` that is True says that the order of reduction tiles can change a bit.
    """

    def accumulate(self, inputs: Sequence[np.ndarray], acc: np.ndarray, tile: Tile) -> None:
        """Add the products of `tile` (reduction c0..c1, all taps) to `acc`."""

    def drain(self, acc: np.ndarray, output: np.ndarray, tile: Tile) -> None:
        """Add the bias, requantize, clamp, and write the tile's part of `output`."""


@runtime_checkable
class WholeKernel(ArrayKernel, Protocol):
    """An `ArrayKernel` that has a faster way where nothing is split into tiles."""

    def compute_whole(self, inputs: Sequence[np.ndarray], output: np.ndarray) -> None:
        """Write all of `output`: the bits of one `accumulate` and one `drain` over everything."""


class VectorKernel(Protocol):
    """An operator bound to its tensors, on the vector unit: computes one tile of its outputs."""

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """Write the tile's part of each output; inputs are whole, constants included."""


class Operator(ABC):
    """Base of all operators; see the module's docstring."""

    kind: ClassVar[str]
    """Name in reports and profiles: `conv2d`, `add`, ..."""
    moves: ClassVar[bool] = False
    """True if it only moves or compares values: it commutes with a dequantization."""
    compares: ClassVar[bool] = False
    """True if its result has no scale and depends on the order of its input's elements alone, so
    that stored integers will do."""
    keeps_axes: ClassVar[bool] = False
    """True if the axes of its output are those of its inputs, so one layout suits all of them."""
    quantizable: ClassVar[bool] = True
    """True if it also exists on stored 8-bit integers."""
    real_constants: ClassVar[bool] = False
    """True if it takes float32 constants beside stored integers."""
    host_only: ClassVar[bool] = False
    """True if its loops say what it computes, but not that its parts depend on each other."""
    sums_floats: ClassVar[bool] = False
    """True if an array of floating-point multipliers executes it."""
    takes_narrow_floats: ClassVar[bool] = False
    """True if it reads and writes floats narrower than float32 itself."""
    data_inputs: ClassVar[int | None] = None
    """How many of its first inputs hold data; those behind are parameters. None: all hold data."""

    @abstractmethod
    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Shapes of the outputs; raises ValueError with a reason if the inputs don't fit."""

    @abstractmethod
    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """Loops, operands and work of this operator."""

    @abstractmethod
    def bind(
        self,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor],
        profile: Profile,
        kernels: Kernels,
    ) -> ArrayKernel | VectorKernel:
        """The kernel for these tensors under the arithmetic that `profile` names.

        Raises UnsupportedModelError if the formats or the quantization are outside what the
        kernels do.
        """
