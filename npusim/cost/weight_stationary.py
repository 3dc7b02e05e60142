"""Systolic array that holds weights: rows are the reduction, columns the output channels.

The reduction c * fy * fx is laid along the rows, so a fold holds up to rows x cols weights while
all pixels of the tile stream through it, one a cycle. Groups that are small enough stand on the
diagonal of one fold, with zeros beside them; a 3x3 depthwise layer on 32 rows runs three channels
at a time. Weights enter row by row at `weight_rate` (one row a cycle, if nothing else is stated).
Inputs are skewed: the last output leaves rows + cols - 2 cycles (`skew`), and `pipeline_delay`,
after the last input entered.

    folds = ceil(g / packed) * ceil(r / rows) * ceil(k / cols),  r = c * fy * fx
    hidden weight load and drain:   cycles = folds * max(stream, load)
    hidden weight load:             cycles = folds * max(stream + skew + pipeline_delay, load)
    neither hidden:                 cycles = folds * (load + stream + skew + pipeline_delay)

where stream = pixels / MACs per unit and cycle. Only rows in use are loaded, all of them where
`load_idle_rows` says so. Sources: the structure of Jouppi et al., ISCA 2017 (shadow weight
registers); the fold of SCALE-Sim (Samajdar et al., ISPASS 2020), which loads all rows; tiny-xpu
(src/array.sv), which is drained before weights shift down through all its rows.
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def weight_stationary(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    pixels = tile.b * tile.oy * tile.ox
    reduction = tile.c * tile.fy * tile.fx
    packed = max(1, min(tile.g, array.rows // reduction, array.cols // tile.k))
    group_folds = -(-tile.g // packed)
    row_folds = -(-reduction // array.rows)
    col_folds = -(-tile.k // array.cols)
    folds = group_folds * row_folds * col_folds
    loaded_rows = array.rows if array.load_idle_rows else min(array.rows, reduction * packed)
    load = cycles_at(loaded_rows * array.cols, array.weight_rate)
    stream = cycles_at(pixels, tile.macs_per_unit)
    behind = array.rows + array.cols - 2 + array.pipeline_delay
    fill = 0 if array.hide_drain else behind
    exposed_load = max(0, load - stream - fill) if array.hide_weight_load else load
    fold = stream + exposed_load + fill
    return TileCost(
        folds * fold,
        folds * fill,
        folds * exposed_load,
        fold * (row_folds - 1),
        behind - fill,
        load if array.hide_weight_load else 0,
        tile.g * reduction * pixels * col_folds,
        tile.g * reduction * tile.k,
    )
