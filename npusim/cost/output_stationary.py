"""Systolic array that holds partial sums: rows are output pixels, columns output channels.

A fold computes rows x cols outputs while the reduction r = c * fy * fx streams past, one step a
cycle. Both operands enter skewed, so the last processing element starts rows + cols - 2 cycles
(`skew`) after the first, and its sum is done `pipeline_delay` cycles after its last operands. Sums
then leave in `drain_beats` cycles: one row a cycle, one column a cycle, or all at once (0).
Every column sees the same inputs, so groups run one after the other.

    folds = g * ceil(pixels / rows) * ceil(k / cols)
    drain not hidden:   cycles = folds * (stream + skew + pipeline_delay + drain_beats)
    drain hidden:       cycles = folds * max(stream, held),
                        the last sum leaves stream + skew + pipeline_delay + drain_beats after the
                        last fold has started

where stream = r / MACs per unit and cycle. `held` is how long a fold keeps an output register from
the next: `drain_beats` where beats follow the wavefront, skew + drain_beats where the first beat
waits for the last sum.

Sources: the fold count and the unhidden fold length 2 rows + cols + r - 2 (sums leave row by row)
of SCALE-Sim's paper (Samajdar et al., ISPASS 2020); its program of today counts no cycles for
shifting sums out. Hidden drain, column by column behind the last sum: the control signals of
axis-systolic-array (rtl/sa/axis_sa.sv), whose register of a diagonal is copied with the wavefront
and shifts once all diagonals have been.
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
    stream = cycles_at(reduction, tile.macs_per_unit)
    skew = array.rows + array.cols - 2
    behind = skew + array.pipeline_delay + array.drain_beats
    held = array.drain_beats + (skew if array.drain_whole else 0)
    fill = max(0, held - stream) if array.hide_drain else behind
    first = stream + array.pipeline_delay + (skew if array.drain_whole else 0)
    return TileCost(
        folds * (stream + fill),
        folds * fill,
        0,
        min(first, folds * (stream + fill)),
        behind - fill,
        0,
        tile.g * reduction * pixels * col_folds,
        tile.g * reduction * tile.k * row_folds,
    )
