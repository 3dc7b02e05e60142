"""Row-stationary array (Eyeriss): an element keeps a filter row, slides it along an input row.

A set of fy x e elements makes e output rows: filter rows lie across, input rows diagonally, sums go
up a column. `rows` x `cols` elements hold several sets; a set wider than the array is folded over
sets' places. r sets take different channels and add their sums, t sets different filters. An
element interleaves p filters and q channels, as many as its scratchpads hold:

    q fx <= input entries,  p q fx <= filter entries,  p <= sum entries,  r t <= sets

A pass is n images, p t filters and q r channels of one strip of e rows. It loads its filters, waits
for the first windows of inputs, and then takes as long as the slowest of MACs and networks:

    pass  = filters / weight rate + first windows / input rate + stream
    stream = max(n p q fx ox / rate, sums / sum rate, inputs / input rate)

Each pass reads its inputs and its partial sums from SRAM and writes the sums back. Of the mappings
of a tile the one with the fewest cycles is taken, then the one that moves the fewest words. Source:
Chen et al., ISCA 2016 and JSSC 52(1), 2017 (the sets, the pass, widths of the networks); that a
pass waits for its filters and first windows is our reading of "ramp-up" there.
"""

from __future__ import annotations

from typing import NamedTuple

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


class RowMapping(NamedTuple):
    """How one group of a tile lies on the array: `passes` of p t filters x q r channels x e rows.

    The filters take `filter_passes` and the channels `channel_passes`; filters that are too large
    for rows or scratchpads are cut into pieces, with passes for each. A pass takes `load` cycles
    for its filters, `fill` for its first windows, then `stream`, of which `mac_cycles` are needed
    to multiply. Words of all passes: `input_words` and `filter_words` read from SRAM, `sum_words`
    each way, `hops` of sums from element to element, `filled` words delivered to scratchpads.
    """

    p: int
    q: int
    r: int
    t: int
    e: int
    passes: int
    filter_passes: int
    channel_passes: int
    fill: int
    load: int
    mac_cycles: int
    stream: int
    input_words: int
    filter_words: int
    sum_words: int
    hops: int
    filled: int


@compiled
def row_stationary(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    best = row_mapping(tile, array)
    passes = tile.g * best.passes
    total = passes * pass_cycles(best, array)
    exposed = _exposed_load(best, array)
    return TileCost(
        total,
        total - passes * (best.mac_cycles + exposed),
        passes * exposed,
        total - total // best.channel_passes,
        best.fill if array.hide_drain else 0,
        0,
        tile.g * best.input_words,
        tile.g * best.filter_words,
    )


@compiled
def pass_cycles(mapping: RowMapping, array: ArrayParams) -> int:
    """Cycles of one pass; what the array hides behind the pass before is not in them."""
    fill = 0 if array.hide_drain else mapping.fill
    return _exposed_load(mapping, array) + fill + mapping.stream


@compiled
def _exposed_load(mapping: RowMapping, array: ArrayParams) -> int:
    if array.hide_weight_load:
        return max(0, mapping.load - mapping.stream)
    return mapping.load


@compiled
def row_mapping(tile: Extents, array: ArrayParams) -> RowMapping:
    """The mapping of `tile` with the fewest cycles, of these the one that moves the fewest words.

    Strips are as high as the folded sets allow, or as high as one unfolded set.
    """
    taps_y = _piece(tile.fy, array.rows)
    places = array.rows // taps_y
    folded = -(-tile.oy // (array.cols * places))
    best = _best_of_strips(tile, array, folded)
    flat = -(-tile.oy // array.cols)
    if flat > folded:
        other = _best_of_strips(tile, array, flat)
        if _is_better(other, best, array):
            best = other
    return best


@compiled
def _piece(taps: int, most: int) -> int:
    """Taps of the largest of the fewest equal pieces of at most `most`."""
    return -(-taps // -(-taps // most))


@compiled
def _best_of_strips(tile: Extents, array: ArrayParams, strips: int) -> RowMapping:
    e = -(-tile.oy // strips)
    places = array.rows // _piece(tile.fy, array.rows)
    beside = max(1, array.cols // e)
    sets = places * beside // -(-e // array.cols)
    best = _with_channels(tile, array, strips, sets, 1)
    for r in range(2, min(sets, tile.c) + 1):
        other = _with_channels(tile, array, strips, sets, r)
        if _is_better(other, best, array):
            best = other
    return best


@compiled
def _is_better(one: RowMapping, other: RowMapping, array: ArrayParams) -> bool:
    cycles = one.passes * pass_cycles(one, array)
    others = other.passes * pass_cycles(other, array)
    if cycles != others:
        return cycles < others
    return one.input_words + 2 * one.sum_words < other.input_words + 2 * other.sum_words


@compiled
def _with_channels(tile: Extents, array: ArrayParams, strips: int, sets: int, r: int) -> RowMapping:
    """The mapping with `r` sets on different channels and the rest on different filters."""
    entries = min(array.input_entries, array.filter_entries)
    taps_y, taps_x = _piece(tile.fy, array.rows), _piece(tile.fx, entries)
    pieces = -(-tile.fy // taps_y) * -(-tile.fx // taps_x)
    e = -(-tile.oy // strips)
    t = min(sets // r, tile.k)
    q_most = entries // taps_x
    channel_passes = -(-tile.c // (q_most * r))
    q = -(-tile.c // (r * channel_passes))
    p_most = min(array.sum_entries, array.filter_entries // (q * taps_x))
    words = int(array.sum_rate)
    if p_most > words > 0:
        p_most -= p_most % words
    filter_passes = -(-tile.k // (p_most * t))
    p = -(-tile.k // (filter_passes * t))
    filters, channels = min(tile.k, p * t), min(tile.c, q * r)
    in_rows = _read(e, tile.stride_y, taps_y, tile.dilation_y)
    in_cols = _read(tile.ox, tile.stride_x, taps_x, tile.dilation_x)
    all_rows = _read(tile.oy - (strips - 1) * e, tile.stride_y, taps_y, tile.dilation_y)
    all_rows += (strips - 1) * in_rows
    passes = filter_passes * channel_passes * strips * pieces
    macs = cycles_at(tile.b * p * q * taps_x * tile.ox, tile.macs_per_unit)
    sums = cycles_at(tile.b * filters * e * tile.ox, array.sum_rate)
    inputs = cycles_at(tile.b * channels * in_rows * in_cols, array.input_rate)
    load = cycles_at(filters * channels * taps_y * taps_x, array.weight_rate)
    fill = cycles_at(channels * min(taps_x, in_cols) * in_rows, array.input_rate)
    sum_words = tile.b * tile.k * tile.oy * tile.ox * channel_passes * pieces
    filled = filter_passes * pieces * tile.b * tile.c * taps_y * tile.oy * in_cols * t
    filled += tile.k * tile.c * tile.fy * tile.fx * tile.oy
    return RowMapping(
        p, q, r, t, e, passes, filter_passes, channel_passes, fill, load, macs,
        max(macs, sums, inputs),
        filter_passes * pieces * tile.b * tile.c * all_rows * in_cols,
        strips * tile.k * tile.c * tile.fy * tile.fx,
        sum_words,
        sum_words * (taps_y * min(r, tile.c) - 1),
        filled,
    )  # fmt: skip


@compiled
def _read(count: int, stride: int, taps: int, dilation: int) -> int:
    """Input rows (or columns) that `count` output rows read, padding included."""
    return min((count - 1) * stride + (taps - 1) * dilation + 1, count * taps)
