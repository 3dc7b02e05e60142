"""Dot-product array with a fixed loop order: stripes of pixels, as NVDLA's direct convolution.

`rows` products of one tap are summed at once for a group of `cols` kernels. From outer to inner:
kernel group, stripe of output pixels, block of `rows` channels, taps, pixels of the stripe. In one
pass the weights of one tap and one block of channels stay in the array while the pixels of a stripe
stream by, at most one a cycle; the weights of the next pass arrive meanwhile, so a pass takes at
least the time of `rows` x `cols` weights. Partial sums of a stripe stay in the accumulators.

Stripes have 2 `cols` pixels. Of the last ones, before which fewer than 4 `cols` pixels are left,
`cols` pixels are cut off until at most 2 `cols` remain: only a layer of few pixels has a stripe
that is shorter than `cols`, which is what weights need at `rows` a cycle or more.

    passes  = ceil(c / rows) * taps
    cycles  = groups * passes * (pixels / rate + weight time that the last stripe does not hide)
    tail    = output delay + outputs of the last stripe / output rate

where rate is MACs per unit and cycle. The output stage takes up a tile when its first stripe is
done, less the gap that is counted before its outputs. Groups of a grouped layer that are small
enough stand on the diagonal of a pass, with zeros beside them. Source: the sequence generator of
NVDLA's convolution sequence controller (nvdla/hw, vmod/nvdla/csc/NV_NVDLA_CSC_sg.v: upper and lower
limit of a stripe, cycles of a package, credits of the accumulators).
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def direct_convolution(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    pixels = tile.b * tile.oy * tile.ox
    packed = max(1, min(tile.g, array.rows // tile.c, array.cols // tile.k))
    kernel_groups = -(-(packed * tile.k) // array.cols)
    groups = -(-tile.g // packed) * kernel_groups
    passes = -(-(packed * tile.c) // array.rows) * tile.fy * tile.fx
    stripes, first, last = stripes_of(pixels, array.cols)
    rate = min(1.0, tile.macs_per_unit)
    load = cycles_at(array.rows * array.cols, array.weight_rate)
    stream = cycles_at(pixels, rate)
    exposed = max(0, load - cycles_at(last, rate))
    first_pass = max(cycles_at(first, rate), load if stripes == 1 else 0)
    taps = tile.fy * tile.fx
    return TileCost(
        groups * passes * (stream + exposed),
        0,
        groups * passes * exposed,
        max(0, passes * first_pass - int(_gap(first, array))),
        array.output_delay + cycles_at(last * array.cols, array.output_rate),
        0,
        tile.g * tile.c * pixels * taps * kernel_groups,
        tile.g * tile.k * tile.c * taps * stripes,
    )


@compiled
def output_cycles(pixels: int, array: ArrayParams) -> float:
    """Cycles in which the outputs of one kernel group leave, if the array is never late.

    The accumulators that are read out hold a full stripe. The last pass of a stripe begins when
    they have room for it, so its outputs follow those of the stripe before without a gap only if
    enough of these were left when it began (see `_gap`).
    """
    stripes, _, last = stripes_of(pixels, array.cols)
    whole = max(0, (pixels - 2 * array.cols) // (2 * array.cols))
    gaps = whole * _gap(2 * array.cols, array) + _gap(last, array)
    gaps += (stripes - whole - 1) * _gap(array.cols, array)
    return pixels * array.cols / array.output_rate + gaps


@compiled
def _gap(stripe: int, array: ArrayParams) -> float:
    """Cycles without an output before those of a stripe: a round trip through the array, which is
    the gap between full stripes, less the time of the outputs that left meanwhile."""
    meanwhile = (2 * array.cols - stripe) * array.cols / array.output_rate
    return max(0.0, array.output_gap - meanwhile)


@compiled
def stripes_of(pixels: int, cols: int) -> tuple[int, int, int]:
    """Number of stripes, pixels of the first and of the last one."""
    whole = max(0, (pixels - 2 * cols) // (2 * cols))
    rest = pixels - whole * 2 * cols
    halves = max(0, -(-(rest - 2 * cols) // cols))
    last = rest - halves * cols
    first = last
    if whole > 0:
        first = 2 * cols
    elif halves > 0:
        first = cols
    return whole + halves + 1, first, last
