"""An operator that is computed whole, of which a tile is then taken.

For float32 kernels, whose sums have an order: the order of the whole, however tiles are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.ops.vector import part
from npusim.ir.views import channels_last


@dataclass(frozen=True, eq=False)
class WholeKernel:
    """A `VectorKernel` that writes the tile's part of `function(inputs)`, in logical order."""

    function: Callable[[Sequence[np.ndarray]], np.ndarray]
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        whole = channels_last(self.function(inputs), self.channel_axis)
        part(channels_last(outputs[0], self.channel_axis), tile)[...] = part(whole, tile)


@dataclass(frozen=True, eq=False)
class HostKernel:
    """A `VectorKernel` of an operator that has loops of the array and runs on the host.

    The host computes operators whole: `function(inputs)` is the whole output, in logical order, and
    the tile is the whole operator.
    """

    function: Callable[[Sequence[np.ndarray]], np.ndarray]

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        outputs[0][...] = self.function(inputs)
