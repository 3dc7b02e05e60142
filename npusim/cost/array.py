"""What every dataflow says about one tile on the MAC array, and the choice among them.

A tile is b x g x k x c loops of batch, groups, output and input channels, over oy x ox output
pixels and fy x fx taps. One file per dataflow computes its `TileCost`; `tile_cost` picks by the
dataflow's number and splits the tile over the cores.
"""

from __future__ import annotations

from npusim.cost.depth_first import depth_first
from npusim.cost.in_memory import in_memory
from npusim.cost.input_stationary import input_stationary
from npusim.cost.output_stationary import output_stationary
from npusim.cost.part_kernel import part_kernel
from npusim.cost.row_stationary import row_stationary
from npusim.cost.stripes import direct_convolution
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.cost.weight_stationary import weight_stationary
from npusim.jit import compiled

DATAFLOWS = (
    "weight_stationary",
    "output_stationary",
    "depth_first",
    "part_kernel",
    "input_stationary",
    "in_memory",
    "direct_convolution",
    "row_stationary",
)
(
    WEIGHT_STATIONARY,
    OUTPUT_STATIONARY,
    DEPTH_FIRST,
    PART_KERNEL,
    INPUT_STATIONARY,
    IN_MEMORY,
    DIRECT_CONVOLUTION,
    ROW_STATIONARY,
) = range(len(DATAFLOWS))
CORE_SPLITS = ("K", "OY", "B")
_, BY_ROWS, BY_IMAGES = range(len(CORE_SPLITS))


@compiled
def tile_cost(dataflow: int, split: int, tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of `tile` under `DATAFLOWS[dataflow]`, its cores sharing it along `CORE_SPLITS[split]`.

    The cores run in step; the largest share decides the cycles. What all cores need (inputs where
    output channels are shared, weights where rows or images are) is read once for all if the
    memory multicasts, else by each core. Each core reads the halo of its rows.
    """
    share = core_share(dataflow, split, tile, array)
    cost = _dataflow_cost(dataflow, share, array)
    if array.multicast:
        inputs = cost.input_reads * tile.b * tile.g * tile.oy // (share.b * share.g * share.oy)
        weights = cost.weight_reads * tile.g * tile.k // (share.g * share.k)
    else:
        inputs, weights = _own_reads(dataflow, tile, share, cost, array)
    return TileCost(
        cost.occupied, cost.fill, cost.weight_load, cost.first_output, cost.tail, cost.weight_lead,
        inputs, weights,
    )  # fmt: skip


@compiled
def _own_reads(
    dataflow: int, tile: Extents, share: Extents, cost: TileCost, array: ArrayParams
) -> tuple[int, int]:
    """Inputs and weights that the cores read each for itself; the last share may be smaller."""
    part = share.b * share.g * share.k * share.oy
    whole = tile.b * tile.g * tile.k * tile.oy
    full = whole // part
    inputs, weights = full * cost.input_reads, full * cost.weight_reads
    if whole > full * part:
        rest = Extents(
            tile.b if tile.b == share.b else tile.b - full * share.b,
            tile.g if tile.g == share.g else tile.g - full * share.g,
            tile.k if tile.k == share.k else tile.k - full * share.k,
            tile.c,
            tile.oy if tile.oy == share.oy else tile.oy - full * share.oy,
            tile.ox, tile.fy, tile.fx, tile.macs_per_unit,
            tile.stride_y, tile.stride_x, tile.dilation_y, tile.dilation_x,
        )  # fmt: skip
        last = _dataflow_cost(dataflow, rest, array)
        inputs += last.input_reads
        weights += last.weight_reads
    return inputs, weights


@compiled
def core_share(dataflow: int, split: int, tile: Extents, array: ArrayParams) -> Extents:
    """The largest share of `tile` that a core has.

    With groups and few channels a group, K is shared through the groups; else in whole columns of
    the array, but in equal parts where writing weights takes time by the column.
    """
    b, g, k, oy = tile.b, tile.g, tile.k, tile.oy
    if array.cores > 1:
        if split == BY_IMAGES:
            b = -(-b // array.cores)
        elif split == BY_ROWS:
            oy = -(-oy // array.cores)
        elif g > k:
            g = -(-g // array.cores)
        elif dataflow == IN_MEMORY and g == 1:
            k = -(-k // array.cores)
        else:
            blocks = -(-k // array.cols)
            k = min(k, -(-blocks // array.cores) * array.cols)
    return Extents(
        b, g, k, tile.c, oy, tile.ox, tile.fy, tile.fx, tile.macs_per_unit,
        tile.stride_y, tile.stride_x, tile.dilation_y, tile.dilation_x,
    )  # fmt: skip


@compiled
def with_weights_in_place(cost: TileCost) -> TileCost:
    """`cost` of a tile that finds its weights in the array: the tile before had the same."""
    occupied = cost.occupied - cost.weight_load
    return TileCost(
        occupied, cost.fill, 0, cost.first_output * occupied // max(1, cost.occupied), cost.tail, 0,
        cost.input_reads, 0,
    )  # fmt: skip


@compiled
def _dataflow_cost(dataflow: int, share: Extents, array: ArrayParams) -> TileCost:
    if dataflow == WEIGHT_STATIONARY:
        return weight_stationary(share, array)
    if dataflow == OUTPUT_STATIONARY:
        return output_stationary(share, array)
    if dataflow == INPUT_STATIONARY:
        return input_stationary(share, array)
    if dataflow == DEPTH_FIRST:
        return depth_first(share, array)
    if dataflow == PART_KERNEL:
        return part_kernel(share, array)
    if dataflow == DIRECT_CONVOLUTION:
        return direct_convolution(share, array)
    if dataflow == ROW_STATIONARY:
        return row_stationary(share, array)
    return in_memory(share, array)
