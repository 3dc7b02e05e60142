"""One operator at once: its kernel over the whole of its loops."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import cast

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import ArrayKernel, VectorKernel, WholeKernel


def run_layer(
    kernel: ArrayKernel | VectorKernel, whole: Tile, inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray], reduction: int = 0,
) -> None:  # fmt: skip
    """Write `outputs`: all partial sums and one drain on the array, else one call.

    `whole` is the tile that is the whole operator; where `reduction` > 0, which says how many input
    channels are summed at once because that changes a sum, it may be a part of its rows.
    """
    if reduction and _has_sums(type(kernel)):
        on_array = cast(ArrayKernel, kernel)
        sums = accumulators(on_array, whole)
        for c0 in range(0, whole.c1, reduction):
            tile = whole._replace(c0=c0, c1=min(c0 + reduction, whole.c1))
            on_array.accumulate(inputs, sums, tile)
        on_array.drain(sums, outputs[0], whole)
    elif _runs_whole(type(kernel)):
        cast(WholeKernel, kernel).compute_whole(inputs, outputs[0])
    else:
        run_tile(kernel, inputs, outputs, whole)


def run_tile(
    kernel: ArrayKernel | VectorKernel, inputs: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray], tile: Tile,
) -> None:  # fmt: skip
    """Write a tile of `outputs` with its whole reduction."""
    if _has_sums(type(kernel)):
        on_array = cast(ArrayKernel, kernel)
        sums = accumulators(on_array, tile)
        on_array.accumulate(inputs, sums, tile)
        on_array.drain(sums, outputs[0], tile)
    else:
        cast(VectorKernel, kernel).compute(inputs, outputs, tile)


@functools.cache
def _runs_whole(kind: type) -> bool:
    """Asked once a type: a check against a protocol takes as long as a small layer."""
    return issubclass(kind, WholeKernel)


@functools.cache
def _has_sums(kind: type) -> bool:
    return issubclass(kind, ArrayKernel)


def accumulators(kernel: ArrayKernel, tile: Tile) -> np.ndarray:
    """Zeroed sums [b, oy, ox, g, k] of a tile: int32, or what the kernel's `sum_dtype` says."""
    shape = (
        tile.b1 - tile.b0, tile.y1 - tile.y0, tile.x1 - tile.x0,
        tile.g1 - tile.g0, tile.k1 - tile.k0,
    )  # fmt: skip
    return np.zeros(shape, getattr(kernel, "sum_dtype", np.int32))
