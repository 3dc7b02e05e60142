"""Systolic array that holds partial sums: rows are output pixels, columns output channels.

A fold computes rows x cols outputs while the reduction r = c * fy * fx streams past, one step a
cycle. Both operands enter skewed (rows + cols - 2 cycles); results then shift out, one row a cycle.
Every column sees the same inputs, so groups run one after the other.

    folds = g * ceil(pixels / rows) * ceil(k / cols)
    hidden drain:   cycles = folds * max(stream, rows),  plus skew and drain behind the last fold
    not hidden:     cycles = folds * (stream + rows + cols - 2 + rows)

where stream = r / MACs per unit and cycle. Source: the fold count and the unhidden fold length
2 rows + cols + r - 2 of SCALE-Sim's paper (Samajdar et al., ISPASS 2020). Its program of today
counts no cycles for shifting results out: its folds are shorter by `rows`.
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def output_stationary(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    pixels = tile.b * tile.oy * tile.ox
    reduction = tile.c * tile.fy * tile.fx
    row_folds = -(-pixels // array.rows)
    col_folds = -(-tile.k // array.cols)
    folds = tile.g * row_folds * col_folds
    drain = array.rows
    skew = array.rows + array.cols - 2
    stream = cycles_at(reduction, tile.macs_per_unit)
    fill = max(0, drain - stream) if array.hide_drain else drain + skew
    return TileCost(
        folds * (stream + fill),
        folds * fill,
        0,
        stream,
        skew + drain if array.hide_drain else 0,
        0,
        tile.g * reduction * pixels * col_folds,
        tile.g * reduction * tile.k * row_folds,
    )
