"""The tilings among which a step is searched, and how one is written into its row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled


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


class Candidate(NamedTuple):
    """A tiling by its places in the lists of a `Space`; `block` counts sizes in G, K and C."""

    block: int
    spatial: int
    order: int
    dataflow: int
    split: int


class Narrow(NamedTuple):
    """Dataflows and loop orders among which a search is: places in their lists, from the first to
    the one behind the last."""

    dataflow: int
    dataflow_stop: int
    order: int
    order_stop: int


@compiled
def number_of(space: Space, one: Candidate) -> int:
    """The number of a candidate in the order in which ties are broken."""
    number = one.block * space.spatial.shape[0] + one.spatial
    number = number * space.orders.size + one.order
    number = number * space.dataflows.size + one.dataflow
    return int(number * space.splits.size + one.split)


@compiled
def candidate_at(space: Space, number: int) -> Candidate:
    """The candidate with a number."""
    rest, split = number // space.splits.size, number % space.splits.size
    rest, dataflow = rest // space.dataflows.size, rest % space.dataflows.size
    rest, order = rest // space.orders.size, rest % space.orders.size
    spatial = space.spatial.shape[0]
    return Candidate(rest // spatial, rest % spatial, order, dataflow, split)


@compiled
def set_tiling(step: np.void, space: Space, one: Candidate) -> None:
    """Write a candidate into `step`."""
    set_block(step, space, one.block)
    step["tile_b"] = space.spatial[one.spatial, 0]
    step["tile_oy"] = space.spatial[one.spatial, 1]
    step["tile_ox"] = space.spatial[one.spatial, 2]
    step["order"] = space.orders[one.order]
    step["dataflow"] = space.dataflows[one.dataflow]
    step["split"] = space.splits[one.split]


@compiled
def set_block(step: np.void, space: Space, n: int) -> None:
    """Set the `n`-th combination of sizes in G, K and C."""
    step["tile_c"] = space.c[n % space.c.size]
    n //= space.c.size
    step["tile_k"] = space.k[n % space.k.size]
    step["tile_g"] = space.g[n // space.k.size]


@compiled
def keep(step: np.void, kept: np.ndarray) -> None:
    """Write the tiling of `step` into `kept` int64 [9]: tile sizes, order, dataflow, split."""
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
def restore(step: np.void, kept: np.ndarray) -> None:
    """Set the tiling of `step` to what `keep` wrote."""
    step["tile_b"] = kept[0]
    step["tile_g"] = kept[1]
    step["tile_k"] = kept[2]
    step["tile_c"] = kept[3]
    step["tile_oy"] = kept[4]
    step["tile_ox"] = kept[5]
    step["order"] = kept[6]
    step["dataflow"] = kept[7]
    step["split"] = kept[8]
