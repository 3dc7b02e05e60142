"""Direct convolution in stripes: lengths of stripes, cycles of a tile, gaps between outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.stripes import direct_convolution, output_cycles, stripes_of
from tests.support.tiles import array_with, tile_of

NV_SMALL = array_with(
    rows=8, cols=8, weight_rate=8.0, output_delay=41, output_rate=1.0, output_gap=54.4
)


def stripes_one_by_one(pixels: int, cols: int) -> list[int]:
    """Full stripes while two are left, then halves, then the rest: the controller's rule."""
    found = []
    while pixels > 2 * cols:
        found.append(2 * cols if pixels >= 4 * cols else cols)
        pixels -= found[-1]
    return [*found, pixels]


@given(st.integers(1, 5000), st.sampled_from([1, 3, 8, 32]))
def test_stripes_follow_the_controllers_rule(pixels, cols):
    found = stripes_one_by_one(pixels, cols)
    assert stripes_of(pixels, cols) == (len(found), found[0], found[-1])


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [(1, [1]), (16, [16]), (17, [8, 9]), (28, [8, 8, 12]), (32, [16, 16]), (49, [16, 16, 8, 9])],
)
def test_stripes_by_hand(pixels, expected):
    assert stripes_one_by_one(pixels, 8) == expected


def test_a_pass_takes_its_pixels_but_at_least_the_time_of_its_weights():
    """4 blocks of channels, 9 taps, 2 kernel groups; one pixel waits for 8 weights of 8 kernels."""
    long = direct_convolution(tile_of(k=16, c=32, oy=4, ox=4, fy=3, fx=3), NV_SMALL)
    assert (long.occupied, long.weight_load) == (2 * 36 * 16, 0)
    short = direct_convolution(tile_of(k=16, c=32, fy=3, fx=3), NV_SMALL)
    assert (short.occupied, short.weight_load) == (2 * 36 * 8, 2 * 36 * 7)


def test_the_last_stripe_leaves_after_the_tile():
    assert direct_convolution(tile_of(k=8, c=8, oy=4, ox=5), NV_SMALL).tail == 41 + 12 * 8


def test_groups_stand_on_the_diagonal():
    """Depthwise: 8 channels a pass."""
    cost = direct_convolution(tile_of(g=16, oy=4, ox=4, fy=3, fx=3), NV_SMALL)
    assert cost.occupied == 2 * 9 * 16


def test_full_stripes_leave_at_the_sustained_rate():
    """11.4 cycles for 8 outputs, of which 8 are those of one element a cycle."""
    assert output_cycles(16 * 100, NV_SMALL) == pytest.approx(1600 * 11.4)


def test_short_stripes_leave_without_a_gap():
    """The accumulators have room for 8 pixels more while the 8 before still leave."""
    assert output_cycles(8, NV_SMALL) == 64
    assert output_cycles(20, NV_SMALL) == pytest.approx(64 + 96 + (54.4 - 4 * 8))
