"""The tile search of one step: every legal tiling is estimated, the best one wins.

Legal tilings: tiles are runs of pixels (part of a row, rows, or images), any of the candidate
sizes in G, K and C, either loop order, each dataflow and core split of the hardware. A tiling must
fit its buffers into the space that the step has, and its partial sums into the accumulators.

`estimate.py` says what a tiling costs; the engine times the winner exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.estimate import Objective, set_buffers, sums_fit, tiling_cost


class Space(NamedTuple):
    """Candidates of one step: `spatial` int64 [n, 3] holds (b, oy, ox) tiles."""

    spatial: np.ndarray
    g: np.ndarray
    k: np.ndarray
    c: np.ndarray
    dataflows: np.ndarray
    orders: np.ndarray
    splits: np.ndarray
    buffers: int
    bytes: int


class Found(NamedTuple):
    """Result of a search: the winning step, its cost, and the least bytes that any tiling needs."""

    cost: float
    candidates: int
    least_bytes: int


@compiled
def best_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> Found:
    """Write the best tiling into `step`; cost is infinite if none is legal."""
    best = np.inf
    least = 1 << 62
    seen = 0
    kept = np.zeros(9, np.int64)
    for s in range(space.spatial.shape[0]):
        step["tile_b"] = space.spatial[s, 0]
        step["tile_oy"] = space.spatial[s, 1]
        step["tile_ox"] = space.spatial[s, 2]
        for g in space.g:
            step["tile_g"] = g
            for k in space.k:
                step["tile_k"] = k
                for c in space.c:
                    step["tile_c"] = c
                    for order in space.orders:
                        step["order"] = order
                        needed = set_buffers(step, operands, space.buffers)
                        least = min(least, needed)
                        if needed > space.bytes:
                            continue
                        for dataflow in space.dataflows:
                            step["dataflow"] = dataflow
                            if not sums_fit(step, machine):
                                continue
                            for split in space.splits:
                                step["split"] = split
                                seen += 1
                                cost = tiling_cost(step, operands, machine, objective)
                                if cost < best:
                                    best = cost
                                    _keep(step, kept)
    if best < np.inf:
        _restore(step, kept)
        set_buffers(step, operands, space.buffers)
    return Found(best, seen, least)


@compiled
def _keep(step: np.void, kept: np.ndarray) -> None:
    kept[0] = step["tile_b"]
    kept[1] = step["tile_g"]
    kept[2] = step["tile_k"]
    kept[3] = step["tile_c"]
    kept[4] = step["tile_oy"]
    kept[5] = step["tile_ox"]
    kept[6] = step["order"]
    kept[7] = step["dataflow"]
    kept[8] = step["split"]


@compiled
def _restore(step: np.void, kept: np.ndarray) -> None:
    step["tile_b"] = kept[0]
    step["tile_g"] = kept[1]
    step["tile_k"] = kept[2]
    step["tile_c"] = kept[3]
    step["tile_oy"] = kept[4]
    step["tile_ox"] = kept[5]
    step["order"] = kept[6]
    step["dataflow"] = kept[7]
    step["split"] = kept[8]
