"""Which tilings of a step are tried: candidate sizes by dimension, under the mapping's limits.

A dimension of extent e is cut into 1, 2, 3, 4, 6, 8, 12, ... parts; sizes are rounded up to what
the array takes at once, so that no tile is ragged where it need not be.
"""

from __future__ import annotations

import functools

import numpy as np

from npusim.cost.array import CORE_SPLITS, DATAFLOWS
from npusim.cost.machine import Machine
from npusim.hardware.schema import Hardware
from npusim.schedule.program import Step
from npusim.schedule.search import Space
from npusim.schedule.tables import ARRAY, LOOP_ORDERS

_PARTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 1024, 4096, 1 << 40)


def space_of(step: Step, row: np.void, hardware: Hardware, machine: Machine, bytes_: int) -> Space:
    """Candidates of `step` (its table row is `row`) in `bytes_` of SRAM."""
    rules = hardware.mapping
    array = machine.array
    on_array = row["unit"] == ARRAY
    quantum = {"K": array.cols if on_array else 1, "C": array.rows if on_array else 1}
    quantum["OY"], quantum["OX"] = (array.pixels_y, array.pixels_x) if on_array else (1, 1)
    quantum["G"] = array.cols if on_array and row["c"] == 1 else 1
    sizes = {
        dim: _sizes(
            int(row[dim.lower()]),
            quantum.get(dim, 1),
            rules.tile_max.get(dim, 1 << 40),  # type: ignore[call-overload]
            rules.tile_multiple.get(dim, 1),  # type: ignore[call-overload]
            dim in step.nest.splits,
        )
        for dim in ("B", "G", "K", "C", "OY", "OX")
    }
    orders = LOOP_ORDERS if rules.loop_orders == "any" else rules.loop_orders
    dataflows = hardware.mac_array.dataflows if on_array else DATAFLOWS[:1]
    splits = CORE_SPLITS if on_array and hardware.cores > 1 else CORE_SPLITS[:1]
    return Space(
        _spatial(row, sizes),
        np.array(sizes["G"]),
        np.array(sizes["K"]),
        np.array(sizes["C"]),
        np.array([DATAFLOWS.index(name) for name in dataflows]),
        np.array([LOOP_ORDERS.index(order) for order in orders]) if on_array else np.array([1]),
        np.array([CORE_SPLITS.index(split) for split in splits]),
        rules.buffers,
        bytes_,
    )


@functools.cache
def _sizes(extent: int, quantum: int, most: int, multiple: int, may_split: bool) -> tuple[int, ...]:
    """Tile sizes of one dimension, largest first."""
    if not may_split:
        return (extent,)
    found = set()
    for parts in _PARTS:
        part = -(-extent // parts)
        for unit in {max(quantum, multiple), multiple}:
            size = min(extent, -(-part // unit) * unit)
            if size <= most:
                found.add(size)
    if not found:
        found.add(max(1, most // multiple * multiple))
    return tuple(sorted(found, reverse=True))


def _spatial(row: np.void, sizes: dict[str, tuple[int, ...]]) -> np.ndarray:
    """Tiles of pixels: images, rows of an image, or parts of a row; int64 [n, 3] of (b, oy, ox)."""
    height, width = int(row["oy"]), int(row["ox"])
    found = []
    if sizes["OY"][0] == height and sizes["OX"][0] == width:
        found += [(b, height, width) for b in sizes["B"]]
    if sizes["OX"][0] == width:
        found += [(sizes["B"][-1], y, width) for y in sizes["OY"]]
    found += [(sizes["B"][-1], sizes["OY"][-1], x) for x in sizes["OX"]]
    return np.array(list(dict.fromkeys(found)))
