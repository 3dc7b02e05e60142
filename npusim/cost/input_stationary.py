"""Systolic array that holds inputs: rows are the reduction, columns the output pixels.

The reduction c * fy * fx is laid along the rows, so a fold holds up to rows x cols inputs (a column
is the window of one pixel) while all filters of the tile stream through it, one a cycle. Partial
sums run down the columns. Inputs enter row by row at `weight_rate`, as weights do in
`weight_stationary`; filters are skewed, so the last sum leaves rows + cols - 2 cycles (`skew`) and
`pipeline_delay` after the last filter entered. The filters of a group are zero for all others, so
groups run one after the other.

    folds = g * ceil(r / rows) * ceil(pixels / cols),  r = c * fy * fx
    neither hidden:                cycles = folds * (load + stream + skew + pipeline_delay)
    hidden load and drain:         cycles = load + (folds - 1) * max(stream, load) + stream

where stream = filters a group / MACs per unit and cycle. The first load of a tile is hidden behind
nothing. Few filters a group (depthwise layers have one) leave the array loading inputs nearly all
the time. Source: the operand matrices and folds of SCALE-Sim's input-stationary mode (Samajdar et
al., ISPASS 2020; program of version 3), which loads all rows even where the reduction uses fewer.
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def input_stationary(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    pixels = tile.b * tile.oy * tile.ox
    reduction = tile.c * tile.fy * tile.fx
    row_folds = -(-reduction // array.rows)
    pixel_folds = -(-pixels // array.cols)
    folds = tile.g * row_folds * pixel_folds
    loaded_rows = array.rows if array.load_idle_rows else min(array.rows, reduction)
    load = cycles_at(loaded_rows * array.cols, array.weight_rate)
    stream = cycles_at(tile.k, tile.macs_per_unit)
    behind = array.rows + array.cols - 2 + array.pipeline_delay
    fill = 0 if array.hide_drain else behind
    exposed = folds * load
    if array.hide_weight_load:
        exposed = load + (folds - 1) * max(0, load - stream - fill)
    return TileCost(
        folds * (stream + fill) + exposed,
        folds * fill,
        exposed,
        load + (row_folds - 1) * stream,
        behind - fill,
        0,
        tile.g * reduction * pixels,
        tile.g * reduction * tile.k * pixel_folds,
    )
