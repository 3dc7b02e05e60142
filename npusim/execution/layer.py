"""One operator at once: its kernel over the whole of its loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import ArrayKernel, VectorKernel, WholeKernel


def run_layer(
    kernel: ArrayKernel | VectorKernel, nest: LoopNest, inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
) -> None:  # fmt: skip
    """Write `outputs`: all partial sums and one drain on the array, else one call."""
    if isinstance(kernel, WholeKernel):
        kernel.compute_whole(inputs, outputs[0])
    else:
        run_tile(kernel, inputs, outputs, nest.whole)


def run_tile(
    kernel: ArrayKernel | VectorKernel, inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray], tile: Tile,
) -> None:  # fmt: skip
    """Write a tile of `outputs` with its whole reduction."""
    if isinstance(kernel, ArrayKernel):
        sums = accumulators(tile)
        kernel.accumulate(inputs, sums, tile)
        kernel.drain(sums, outputs[0], tile)
    else:
        kernel.compute(inputs, outputs, tile)


def accumulators(tile: Tile) -> np.ndarray:
    """Zeroed int32 sums [b, oy, ox, g, k] of a tile."""
    shape = (
        tile.b1 - tile.b0, tile.y1 - tile.y0, tile.x1 - tile.x0,
        tile.g1 - tile.g0, tile.k1 - tile.k0,
    )  # fmt: skip
    return np.zeros(shape, np.int32)
