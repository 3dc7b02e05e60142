"""Random tiles and arrays for tests of the cost functions."""

from __future__ import annotations

from hypothesis import strategies as st

from npusim.cost.array import DATAFLOWS, IN_MEMORY
from npusim.cost.types import ArrayParams, Extents


def array_with(**changes: object) -> ArrayParams:
    """A 4 x 4 array of one core that hides weight loads and drains; one row of weights a cycle."""
    plain = ArrayParams(
        rows=4, cols=4, pixels_y=1, pixels_x=1, cores=1, hide_weight_load=True, hide_drain=True,
        weight_rate=4.0, channel_block=4, tap_block=1, pipeline_delay=0, max_taps_y=1 << 30,
        max_taps_x=1 << 30, accumulators=1 << 40, drain_beats=4, drain_whole=False,
        load_idle_rows=False, weight_sets=1, port_rate=float(1 << 40), multicast=True,
        start_delay=0, output_delay=0, output_rate=4.0, output_gap=0.0,
        filter_entries=1, input_entries=1, sum_entries=1, input_rate=1.0, sum_rate=1.0, sum_bits=0,
        clip_channel_block=False,
    )  # fmt: skip
    return plain._replace(**changes)


def tile_of(**extents: float) -> Extents:
    """A tile with the named extents; all others are 1."""
    return Extents(*[1] * 8, 1.0, 1, 1, 1, 1)._replace(**extents)


def peak_macs(array: ArrayParams, tile: Extents) -> float:
    """MACs per cycle of all cores in the formats of `tile`."""
    units = array.cores * array.rows * array.cols * array.pixels_y * array.pixels_x
    return units * tile.macs_per_unit


def macs_of(tile: Extents) -> int:
    """MACs of a tile."""
    product = 1
    for extent in tile[:8]:
        product *= extent
    return product


@st.composite
def extents(draw: st.DrawFn) -> Extents:
    """A random tile: dense, grouped or depthwise."""
    grouped = draw(st.booleans())
    return Extents(
        b=draw(st.integers(1, 3)),
        g=draw(st.integers(1, 40)) if grouped else 1,
        k=draw(st.integers(1, 4)) if grouped else draw(st.integers(1, 70)),
        c=draw(st.integers(1, 4)) if grouped else draw(st.integers(1, 70)),
        oy=draw(st.integers(1, 12)),
        ox=draw(st.integers(1, 12)),
        fy=draw(st.integers(1, 9)),
        fx=draw(st.integers(1, 9)),
        macs_per_unit=draw(st.sampled_from([0.5, 1.0, 1.5, 2.0])),
        stride_y=draw(st.integers(1, 4)),
        stride_x=draw(st.integers(1, 4)),
        dilation_y=draw(st.integers(1, 3)),
        dilation_x=draw(st.integers(1, 3)),
    )


@st.composite
def systolic_arrays(draw: st.DrawFn) -> ArrayParams:
    """A random systolic array of one or more cores."""
    rows, cols = draw(st.integers(1, 32)), draw(st.integers(1, 32))
    return array_with(
        rows=rows,
        cols=cols,
        cores=draw(st.integers(1, 3)),
        hide_weight_load=draw(st.booleans()),
        hide_drain=draw(st.booleans()),
        weight_rate=draw(st.sampled_from([0.5, 1.0, 3.5, 8.0, 64.0])),
        pipeline_delay=draw(st.integers(0, 3)),
        drain_beats=draw(st.sampled_from([rows, cols, 0])),
        drain_whole=draw(st.booleans()),
        multicast=draw(st.booleans()),
        load_idle_rows=draw(st.booleans()),
    )


@st.composite
def dot_product_arrays(draw: st.DrawFn) -> ArrayParams:
    """A random dot-product array of one or more cores."""
    rows = draw(st.sampled_from([1, 2, 4, 8]))
    return array_with(
        rows=rows,
        cols=draw(st.integers(1, 16)),
        pixels_y=draw(st.integers(1, 2)),
        pixels_x=draw(st.integers(1, 2)),
        cores=draw(st.integers(1, 3)),
        weight_rate=draw(st.sampled_from([0.5, 1.0, 3.5, 8.0, 64.0])),
        channel_block=rows * draw(st.integers(1, 4)),
        tap_block=draw(st.integers(1, 4)),
        pipeline_delay=draw(st.integers(0, 3)),
        max_taps_y=draw(st.sampled_from([2, 8, 1 << 30])),
        max_taps_x=draw(st.sampled_from([2, 8, 1 << 30])),
    )


@st.composite
def in_memory_arrays(draw: st.DrawFn) -> ArrayParams:
    """A random in-memory array of one or more cores."""
    plain = draw(systolic_arrays())
    return plain._replace(
        weight_sets=draw(st.integers(1, 4)),
        port_rate=draw(st.sampled_from([1.5, 8.0, 64.0, 1e12])),
        pipeline_delay=draw(st.integers(0, 3)),
    )


@st.composite
def stripe_arrays(draw: st.DrawFn) -> ArrayParams:
    """A random array for direct convolution, which hides the weights of `cols` pixels."""
    rows = draw(st.sampled_from([1, 2, 4, 8]))
    return array_with(
        rows=rows,
        cols=draw(st.integers(1, 16)),
        cores=draw(st.integers(1, 3)),
        weight_rate=float(rows * draw(st.integers(1, 2))),
        output_delay=draw(st.integers(0, 5)),
        output_rate=draw(st.sampled_from([0.5, 1.0, 8.0])),
        output_gap=draw(st.sampled_from([0.0, 3.5, 40.0])),
    )


@st.composite
def row_arrays(draw: st.DrawFn) -> ArrayParams:
    """A random row-stationary array; it has one core."""
    return array_with(
        rows=draw(st.integers(1, 14)),
        cols=draw(st.integers(1, 14)),
        hide_weight_load=draw(st.booleans()),
        hide_drain=draw(st.booleans()),
        weight_rate=draw(st.sampled_from([0.5, 1.0, 4.0])),
        filter_entries=draw(st.integers(1, 224)),
        input_entries=draw(st.integers(1, 12)),
        sum_entries=draw(st.integers(1, 24)),
        input_rate=draw(st.sampled_from([0.5, 1.0, 4.0])),
        sum_rate=draw(st.sampled_from([0.5, 1.0, 4.0])),
        sum_bits=16,
    )


@st.composite
def dataflows_and_arrays(draw: st.DrawFn) -> tuple[int, ArrayParams]:
    """(number of a dataflow, an array that can run it)."""
    dataflow = draw(st.integers(0, len(DATAFLOWS) - 1))
    if dataflow == IN_MEMORY:
        return dataflow, draw(in_memory_arrays())
    if DATAFLOWS[dataflow] == "direct_convolution":
        return dataflow, draw(stripe_arrays())
    if DATAFLOWS[dataflow] == "row_stationary":
        return dataflow, draw(row_arrays())
    systolic = DATAFLOWS[dataflow].endswith("_stationary")
    return dataflow, draw(systolic_arrays() if systolic else dot_product_arrays())
