"""What holds for every dataflow on every array, and how cores share a tile."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npusim.cost.array import ROW_STATIONARY, tile_cost
from npusim.cost.depth_first import depth_first
from npusim.cost.in_memory import in_memory
from npusim.cost.input_stationary import input_stationary
from npusim.cost.output_stationary import output_stationary
from npusim.cost.part_kernel import part_kernel
from npusim.cost.row_stationary import row_stationary
from npusim.cost.stripes import direct_convolution
from npusim.cost.weight_stationary import weight_stationary
from tests.support.tiles import (
    array_with,
    dataflows_and_arrays,
    extents,
    macs_of,
    peak_macs,
    tile_of,
)

DATAFLOWS = (
    weight_stationary,
    output_stationary,
    depth_first,
    part_kernel,
    input_stationary,
    in_memory,
    direct_convolution,
    row_stationary,
)
SPLITS = st.sampled_from([0, 1, 2])


@settings(max_examples=300)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_no_tile_is_faster_than_the_peak(choice, split, tile):
    """What is left of a tile after compute, fill and exposed weight load are its ragged edges."""
    dataflow, array = choice
    cost = tile_cost(dataflow, split, tile, array)
    edges = cost.occupied - cost.fill - cost.weight_load - macs_of(tile) / peak_macs(array, tile)
    assert edges >= -1e-6
    assert min(cost) >= 0


@settings(max_examples=300)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_first_outputs_leave_before_the_tile_ends(choice, split, tile):
    dataflow, array = choice
    cost = tile_cost(dataflow, split, tile, array)
    assert cost.first_output <= cost.occupied


@settings(max_examples=300)
@given(dataflows_and_arrays(), extents())
def test_compiled_and_plain_python_agree(choice, tile):
    dataflow, array = choice
    function = DATAFLOWS[dataflow]
    plain = part_kernel.py_func if dataflow == 2 and tile.c == 1 < tile.g else function.py_func
    assert tuple(function(tile, array)) == tuple(plain(tile, array))


@settings(max_examples=300)
@given(dataflows_and_arrays(), SPLITS, extents(), st.sampled_from(["b", "oy", "ox"]), st.data())
def test_cutting_pixels_never_saves_cycles(choice, split, tile, dim, data):
    """The bound that lets the search skip spatial tilings.

    Row-stationary arrays have another one: 15 rows on 14 columns are two strips of 8 and 7, and
    cost more than one strip of 14 and one of a single row, which leaves room for other filters.
    """
    dataflow, array = choice
    assume(dataflow != ROW_STATIONARY)
    whole = tile_cost(dataflow, split, tile, array)
    extent = getattr(tile, dim)
    part = data.draw(st.integers(1, extent))
    cut = 0
    reads = 0
    for start in range(0, extent, part):
        piece = tile._replace(**{dim: min(part, extent - start)})
        cost = tile_cost(dataflow, split, piece, array)
        cut += cost.occupied
        reads += cost.input_reads + cost.weight_reads
    assert cut >= whole.occupied
    assert reads >= whole.input_reads + whole.weight_reads


@settings(max_examples=300)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_every_weight_and_every_input_is_read(choice, split, tile):
    """By one core or by several; strides and windows only add inputs."""
    dataflow, array = choice
    cost = tile_cost(dataflow, split, tile, array)
    assert cost.weight_reads >= tile.g * tile.k * tile.c * tile.fy * tile.fx
    assert cost.input_reads >= tile.b * tile.g * tile.c * tile.oy * tile.ox


@settings(max_examples=200)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_more_cores_are_never_slower(choice, split, tile):
    dataflow, array = choice
    one = tile_cost(dataflow, split, tile, array._replace(cores=1))
    assert tile_cost(dataflow, split, tile, array).occupied <= one.occupied


@pytest.mark.parametrize("dataflow", range(len(DATAFLOWS)))
def test_channels_are_shared_in_whole_columns(dataflow):
    """40 channels are ten columns of 4: three cores take 4, 4 and 2 columns of work."""
    array = array_with(cores=3)
    tile = tile_of(k=40, c=8, oy=6, ox=6)
    share = tile_cost(dataflow, 0, tile._replace(k=16), array._replace(cores=1))
    assert tile_cost(dataflow, 0, tile, array).occupied == share.occupied


@pytest.mark.parametrize("dataflow", range(len(DATAFLOWS)))
def test_rows_are_shared(dataflow):
    array = array_with(cores=3)
    tile = tile_of(k=8, c=8, oy=7, ox=6)
    share = tile_cost(dataflow, 1, tile._replace(oy=ceil(7 / 3)), array._replace(cores=1))
    assert tile_cost(dataflow, 1, tile, array).occupied == share.occupied


@pytest.mark.parametrize("dataflow", range(len(DATAFLOWS)))
def test_images_are_shared(dataflow):
    """Five images on three cores: the busiest has two."""
    array = array_with(cores=3)
    tile = tile_of(b=5, k=8, c=8, oy=7, ox=6)
    share = tile_cost(dataflow, 2, tile._replace(b=2), array._replace(cores=1))
    assert tile_cost(dataflow, 2, tile, array).occupied == share.occupied


@pytest.mark.parametrize("multicast", [False, True])
@pytest.mark.parametrize("split", [0, 1, 2])
def test_what_all_cores_need_is_read_once_if_the_memory_multicasts(split, multicast):
    """Two cores of 4 columns: 8 channels, 16 inputs, two images of 6 x 6 pixels."""
    array = array_with(cores=2, multicast=multicast)
    cost = tile_cost(0, split, tile_of(b=2, k=8, c=16, oy=6, ox=6), array)
    copies = 1 if multicast else 2
    columns = 1 if split == 0 else 2  # a core that has all channels reads its inputs twice
    assert cost.weight_reads == 8 * 16 * (1 if split == 0 else copies)
    assert cost.input_reads == 16 * 72 * columns * (copies if split == 0 else 1)


@settings(max_examples=200)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_multicast_saves_reads_and_changes_no_cycle(choice, split, tile):
    dataflow, array = choice
    once = tile_cost(dataflow, split, tile, array._replace(multicast=True))
    each = tile_cost(dataflow, split, tile, array._replace(multicast=False))
    assert each[:6] == once[:6]
    assert once.input_reads <= each.input_reads <= array.cores * once.input_reads
    assert once.weight_reads <= each.weight_reads <= array.cores * once.weight_reads


@settings(max_examples=200)
@given(dataflows_and_arrays(), SPLITS, extents())
def test_cores_do_not_beat_their_number(choice, split, tile):
    """n cores on n times the work take as long as one core on its share, never less."""
    dataflow, array = choice
    alone = tile_cost(dataflow, split, tile, array._replace(cores=1))
    together = tile_cost(dataflow, split, tile, array)
    overheads = alone.fill + alone.weight_load
    assert together.occupied * array.cores >= alone.occupied - overheads - 1


def test_depthwise_channels_are_shared_through_the_groups():
    """Ten groups: the largest share has five."""
    array = array_with(cores=2, rows=9)
    tile = tile_of(g=10, oy=6, ox=6, fy=3, fx=3)
    share = tile_cost(0, 0, tile._replace(g=5), array._replace(cores=1))
    assert tile_cost(0, 0, tile, array).occupied == share.occupied
