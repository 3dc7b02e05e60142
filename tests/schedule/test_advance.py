"""Going on tile by tile meets the tiles that are numbered, and each that a stream moves to."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npusim.schedule.advance import set_next_tile, set_tile
from npusim.schedule.tables import INPUTS, OPERAND
from npusim.schedule.tiles import moving_period, tile_count
from tests.schedule.test_tiles import bounds_of, tiled_steps


@given(tiled_steps())
def test_the_next_tile_is_the_next_in_loop_order_and_the_first_follows_the_last(row):
    bounds = np.zeros(12, np.int64)
    set_tile(row, 0, bounds)
    for iteration in range(1, tile_count(row) + 1):
        set_next_tile(row, 0, bounds)
        assert bounds.tolist() == bounds_of(row, iteration % tile_count(row)).tolist()


@given(tiled_steps(), st.lists(st.sampled_from("bgkcyx"), unique=True))
def test_a_stream_goes_from_move_to_move(row, moved_by):
    operands = np.zeros(1, OPERAND)
    operands["stream"] = INPUTS
    for loop in moved_by:
        operands[f"has_{loop}"] = 1
    row["operand_stop"] = 1
    period, place = moving_period(row, operands, INPUTS)
    bounds = bounds_of(row, 0)
    for iteration in range(period, tile_count(row), period):
        set_next_tile(row, place, bounds)
        assert bounds.tolist() == bounds_of(row, iteration).tolist()
