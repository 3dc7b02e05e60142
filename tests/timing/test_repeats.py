"""Turns of loops that are added at once end where going through each of their jobs ends."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.ir.ops.windows.window import Window
from npusim.schedule.program import Program
from npusim.timing.counts import timed
from npusim.timing.records import NO_LOG, WINDOW
from tests.support.graphs import only
from tests.support.machines import machines, tiny
from tests.support.presets_drawn import moved_presets
from tests.support.programs import finely_tiled_programs, program_of, retiled
from tests.timing.test_engine import layer


def assert_adding_turns_changes_nothing(program: Program) -> None:
    followed, added = timed(program, WINDOW), timed(program, NO_LOG)
    assert added.cycles == followed.cycles
    assert added.counts.tobytes() == followed.counts.tobytes()
    assert followed.followed == followed.counts["jobs"].sum() >= added.followed


@given(finely_tiled_programs())
def test_no_result_depends_on_added_turns(program):
    assert_adding_turns_changes_nothing(program)


@pytest.mark.slow
@settings(max_examples=3000)
@given(finely_tiled_programs(st.one_of(machines(), moved_presets())))
def test_no_result_depends_on_added_turns_on_many_machines(program):
    assert_adding_turns_changes_nothing(program)


def test_turns_cut_alike_at_both_edges_say_nothing_of_those_between():
    """The second of four tiles of three rows reads one row more than its neighbours."""
    window = Window((4, 1), (1, 1), (1, 1), (1, 0, 3, 0))

    def between_convolutions(net, x):
        return net.conv(net.add_node(MaxPool(window), net.conv(x, 16)), 9)

    program = program_of(only(between_convolutions, 1, 10, 1, 4), tiny())
    table = program.table.copy()
    table[1]["tile_oy"], table[1]["tile_k"], table[1]["order"] = 3, 1, 1
    assert_adding_turns_changes_nothing(dataclasses.replace(program, table=table))


@pytest.mark.parametrize("order", [0, 1])
def test_a_layer_of_many_tiles_is_not_followed_job_by_job(order):
    """Ten times the rows take the same look: only the first turns and the last are followed."""
    few, many = (
        timed(retiled(layer(100, rows), tile_b=1, order=order), NO_LOG) for rows in (100, 1000)
    )
    assert many.counts["jobs"].sum() > 9 * few.counts["jobs"].sum()
    assert many.followed == few.followed < few.counts["jobs"].sum() / 100
