"""In-memory array: a crossbar of cells that hold weights and multiply where they are stored.

Rows are the reduction r = c * fy * fx, columns the output channels, groups that are small enough
stand on the diagonal, as in `weight_stationary`. Inputs enter bit by bit: a cell does `rate` MACs a
cycle (1/8 where an 8-bit input takes eight), so one input vector takes 1 / rate cycles. Each cell
has `weight_sets` weights, one of which multiplies; with a set to spare, an array that hides its
weight loads writes the next fold beside the present one.

    folds  = ceil(g / packed) * ceil(r / rows) * ceil(k / cols)
    stream = pixels / rate                                  one fold, its weights in place
    write  = used rows * used columns / weight rate
    hidden:      cycles = max(folds * max(stream, write), port)
    not hidden:  cycles = max(folds * (stream + write), port)
    port   = (weights + inputs) / port rate

Over the core's port pass the weights that are written, and each input once a tile, away from the
edges: the core's own buffer keeps it over taps and folds. Folds that a core still holds from the
tile before (`held_folds` says how many a tile has) are not written again: such a tile takes
max(folds * stream, inputs / port rate).

Source: the structure of digital in-memory computing as in Axelera's Metis (ISSCC 2024, 11.3): 512
rows, 512 columns, bit-serial 8-bit inputs, four weight sets.
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def in_memory(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile whose weights have to be written; see the module's docstring.

    `weight_load` is what the writing adds: without it the cost is that of a tile with its weights
    in place.
    """
    pixels = tile.b * tile.oy * tile.ox
    reduction = tile.c * tile.fy * tile.fx
    packed = _packed(tile, array)
    folds = held_folds(tile, array)
    row_folds = -(-reduction // array.rows)
    used = min(array.rows, reduction * packed) * min(array.cols, tile.k * packed)
    write = cycles_at(used, array.weight_rate)
    stream = cycles_at(pixels, tile.macs_per_unit)
    inputs = _inputs(tile)
    weights = tile.g * reduction * tile.k
    in_place = folds * stream + input_wait(tile, array)
    port = cycles_at(weights + inputs, array.port_rate)
    hidden = array.hide_weight_load and array.weight_sets > 1
    fold = max(stream, write) if hidden else stream + write
    occupied = max(folds * fold, port)
    return TileCost(
        occupied,
        0,
        occupied - in_place,
        occupied * (row_folds - 1) // row_folds,
        array.pipeline_delay,
        max(0, min(stream, write) + folds * fold - occupied) if hidden else 0,
        inputs,
        weights,
    )


@compiled
def input_wait(tile: Extents, array: ArrayParams) -> int:
    """Cycles of a tile, its weights in place, in which inputs come slower than they are used."""
    stream = cycles_at(tile.b * tile.oy * tile.ox, tile.macs_per_unit)
    return max(0, cycles_at(_inputs(tile), array.port_rate) - held_folds(tile, array) * stream)


@compiled
def _inputs(tile: Extents) -> int:
    """Inputs of a tile, away from the edges of the image."""
    rows = tile.oy * _new_inputs(tile.fy, tile.stride_y, tile.dilation_y)
    cols = tile.ox * _new_inputs(tile.fx, tile.stride_x, tile.dilation_x)
    return tile.b * tile.g * tile.c * rows * cols


@compiled
def _new_inputs(taps: int, stride: int, dilation: int) -> int:
    """Rows (or columns) of the input that an output row adds to those of the row before."""
    return min(stride, (taps - 1) * dilation + 1)


@compiled
def held_folds(tile: Extents, array: ArrayParams) -> int:
    """Weight sets that the weights of `tile` take in a core that has all of it."""
    row_folds = -(-(tile.c * tile.fy * tile.fx) // array.rows)
    return -(-tile.g // _packed(tile, array)) * row_folds * -(-tile.k // array.cols)


@compiled
def _packed(tile: Extents, array: ArrayParams) -> int:
    """Groups that stand on the diagonal of one fold."""
    reduction = tile.c * tile.fy * tile.fx
    return max(1, min(tile.g, array.rows // reduction, array.cols // tile.k))
