"""Candidates of the search: legal on the hardware, largest first, narrowed by a mapping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.cost.array import CORE_SPLITS, DATAFLOWS
from npusim.cost.machine import machine_of
from npusim.hardware import Hardware, load_hardware
from npusim.ir.graph import Graph
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.pairs.add import Add
from npusim.schedule.candidates import Space
from npusim.schedule.fixed import SEARCHED, TILE_DIMS, StepMapping
from npusim.schedule.lower import lower
from npusim.schedule.spaces import choices_of, space_of
from npusim.schedule.tables import ALIAS, ARRAY, HOST, LOOP_ORDERS, VECTOR
from tests.support.graphs import Build, graphs, only
from tests.support.machines import machines, tiny


def _spaces(
    graph: Graph, hardware: Hardware, fixed: StepMapping = SEARCHED
) -> list[tuple[object, Space]]:
    """(step, its candidates) of every step with tiles."""
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    return [
        (step, space_of(step, lowered.table[at], hardware, machine, 1000, fixed))
        for at, step in enumerate(lowered.steps)
        if step.unit not in (ALIAS, HOST)
    ]


def _of(graph: Graph, hardware: Hardware, fixed: StepMapping = SEARCHED) -> Space:
    ((_, space),) = _spaces(graph, hardware, fixed)
    return space


def _sizes(space: Space) -> dict[str, set[int]]:
    by_dim = {"B": space.spatial[:, 0], "OY": space.spatial[:, 1], "OX": space.spatial[:, 2]}
    by_dim |= {"G": space.g, "K": space.k, "C": space.c}
    return {dim: set(by_dim[dim].tolist()) for dim in TILE_DIMS}


def _conv(channels: int = 24, outputs: int = 40, size: int = 12, batch: int = 1) -> Graph:
    return only(
        lambda build, x: build.conv(x, outputs, (3, 3), padding=(1, 1, 1, 1)),
        batch, size, size, channels,
    )  # fmt: skip


@given(graphs(), machines())
@settings(max_examples=60, deadline=None)
def test_every_candidate_is_legal(graph: Graph, hardware: Hardware) -> None:
    rules = hardware.mapping
    for step, space in _spaces(graph, hardware):
        for dim, sizes in _sizes(space).items():
            extent = step.nest.extents[TILE_DIMS.index(dim)]
            if dim not in step.nest.splits:
                assert sizes == {extent}
                continue
            assert all(1 <= size <= extent for size in sizes)
            assert all(size <= rules.tile_max.get(dim, extent) for size in sizes)
            multiple = rules.tile_multiple.get(dim, 1)
            assert all(size % multiple == 0 or size == extent for size in sizes)


@given(graphs(), machines())
@settings(max_examples=40, deadline=None)
def test_the_smallest_tile_comes_last_and_the_largest_first(
    graph: Graph, hardware: Hardware
) -> None:
    """What asks for the least SRAM takes the last candidate of each dimension."""
    for _, space in _spaces(graph, hardware):
        for sizes in (space.g, space.k, space.c):
            assert sizes.tolist() == sorted(set(sizes.tolist()), reverse=True)
        tiles = space.spatial.tolist()
        assert [min(axis) for axis in zip(*tiles, strict=True)] == tiles[-1]
        assert len({tuple(tile) for tile in tiles}) == len(tiles)


def test_tiles_are_whole_images_whole_rows_or_a_part_of_one_row() -> None:
    space = _of(_conv(size=12, batch=6), tiny())
    tiles = {tuple(tile) for tile in space.spatial.tolist()}
    assert {(6, 12, 12), (3, 12, 12), (1, 12, 12), (1, 6, 12), (1, 1, 12), (1, 1, 1)} <= tiles
    for b, y, x in tiles:
        assert b == 1 or (y, x) == (12, 12)
        assert y == 1 or x == 12


def test_channels_come_in_what_the_array_takes_at_once_and_its_halvings() -> None:
    """A half of 38 is 19, but on a 4 x 4 array 20 leaves no column idle."""
    sizes = _sizes(_of(_conv(channels=22, outputs=38), tiny()))
    assert sizes["K"] == {1, 2, 4, 8, 12, 16, 20, 38}
    assert sizes["C"] == {1, 2, 4, 8, 12, 22}


def test_depthwise_groups_come_in_what_stands_on_the_diagonal() -> None:
    """27 rows hold the nine taps of three groups."""
    graph = only(lambda build, x: build.conv(x, 24, (3, 3), groups=24), 1, 8, 8, 24)
    sizes = _sizes(_of(graph, tiny(mac_array__rows=27)))
    assert {3, 6, 12, 24} <= sizes["G"]
    assert all(size % 3 == 0 for size in sizes["G"] if size > 3)
    assert sizes["K"] == sizes["C"] == {1}


def test_limits_of_the_hardware_narrow_the_tiles() -> None:
    hardware = tiny(mapping__tile_max__K=16, mapping__tile_multiple__K=8, mapping__tile_max__OX=4)
    sizes = _sizes(_of(_conv(outputs=40), hardware))
    assert sizes["K"] == {8, 16}
    assert max(sizes["OX"]) == 4
    assert 40 in _sizes(_of(_conv(outputs=40), tiny()))["K"]


def test_what_cannot_be_cut_stays_whole() -> None:
    build = Build()
    x = build.input(1, 6, 6, 8)
    build.add_node(Concat(3), x, x)
    sizes = _sizes(_of(build.graph(), tiny()))
    assert sizes["K"] == {16}
    assert len(sizes["OY"]) > 1


def test_the_vector_unit_has_one_order_and_no_dataflow() -> None:
    build = Build()
    x = build.input(1, 6, 6, 8)
    build.add_node(Add(), x, x)
    hardware = load_hardware("ethos-u65-512")
    assert choices_of(VECTOR, hardware) == (LOOP_ORDERS[1:], DATAFLOWS[:1], CORE_SPLITS[:1])
    space = _of(build.graph(), hardware)
    assert space.orders.size == space.dataflows.size == space.splits.size == 1


@pytest.mark.parametrize(
    ("preset", "dataflows", "splits"),
    [
        ("edge-npu-1", ("weight_stationary", "output_stationary"), ("K",)),
        ("ethos-u55-128", ("depth_first", "part_kernel"), ("K",)),
        ("ethos-u65-512", ("depth_first", "part_kernel"), ("K", "OY")),
    ],
)
def test_the_array_has_the_choices_of_its_hardware(
    preset: str, dataflows: tuple[str, ...], splits: tuple[str, ...]
) -> None:
    hardware = load_hardware(preset)
    by_images = ("B",) if hardware.cores > 1 else ()
    assert choices_of(ARRAY, hardware) == (LOOP_ORDERS, dataflows, (*splits, *by_images))
    space = _of(_conv(), hardware)
    assert [DATAFLOWS[number] for number in space.dataflows] == list(dataflows)
    assert [CORE_SPLITS[number] for number in space.splits] == list(splits)
    assert space.buffers == hardware.mapping.buffers
    assert space.bytes == 1000


def test_a_loop_order_that_the_hardware_fixes_is_the_only_one() -> None:
    space = _of(_conv(), tiny(mapping__loop_orders=["inputs_outer"]))
    assert [LOOP_ORDERS[number] for number in space.orders] == ["inputs_outer"]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_fixed_is_the_only_candidate(data: st.DataObject) -> None:
    graph, hardware = _conv(size=9, batch=2), load_hardware("ethos-u65-512")
    extents = (2, 1, 40, 24, 9, 9)
    tile = tuple(data.draw(st.one_of(st.none(), st.integers(1, extent))) for extent in extents)
    order = data.draw(st.sampled_from([None, *LOOP_ORDERS]))
    split = data.draw(st.sampled_from([None, *CORE_SPLITS]))
    free = _of(graph, hardware)
    space = _of(graph, hardware, StepMapping(tile, order, None, split))
    sizes = _sizes(space)
    for dim, size in zip(TILE_DIMS, tile, strict=True):
        if size is not None:
            assert sizes[dim] == {size}
        elif dim in ("G", "K", "C"):
            assert sizes[dim] == _sizes(free)[dim]
    assert len(space.orders) == (1 if order else 2)
    assert len(space.splits) == (1 if split else 3)
    assert np.array_equal(space.dataflows, free.dataflows)


def test_images_are_shared_where_there_are_several_and_the_hardware_allows_it() -> None:
    hardware = tiny(cores=2, mapping__core_splits=["OY", "B"])
    several, one = _of(_conv(batch=3), hardware), _of(_conv(), hardware)
    assert [CORE_SPLITS[number] for number in several.splits] == ["OY", "B"]
    assert [CORE_SPLITS[number] for number in one.splits] == ["OY"]
