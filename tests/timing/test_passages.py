"""Steps that the engine passes over take what going through each of their jobs takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.models.builder import Builder
from npusim.timing.counts import timed
from npusim.timing.records import NO_LOG
from tests.support.block_programs import programs_of_blocks
from tests.support.machines import machines, tiny
from tests.support.presets_drawn import moved_presets
from tests.support.programs import program_of
from tests.timing.test_repeats import assert_adding_turns_changes_nothing


@given(programs_of_blocks())
def test_no_result_depends_on_steps_that_are_passed_over(program):
    assert_adding_turns_changes_nothing(program)


@pytest.mark.slow
@settings(max_examples=3000)
@given(programs_of_blocks(st.one_of(machines(), moved_presets())))
def test_no_result_depends_on_passed_steps_on_many_machines(program):
    assert_adding_turns_changes_nothing(program)


def residual_network(blocks: int):
    build = Builder("blocks")
    x = build.input("x", 1, 14, 14, 16)
    for at in range(blocks):
        y = build.conv(x, f"{at}.first", 16, 3)
        x = build.add(build.conv(y, f"{at}.second", 16, 3), x, f"{at}.add")
    return program_of(build.graph(x), tiny())


def test_a_network_of_many_blocks_takes_the_same_look():
    """Ten times the blocks: the engine goes through the first few and the last, not ten times."""
    few, many = (timed(residual_network(blocks), NO_LOG) for blocks in (8, 80))
    assert many.counts["jobs"].sum() > 9 * few.counts["jobs"].sum()
    assert many.followed < 2 * few.followed
