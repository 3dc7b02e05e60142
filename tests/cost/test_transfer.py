"""Whole cycles: rounded up, but not for rounding noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.transfer import cycles_at


@pytest.mark.parametrize(
    ("amount", "per_cycle", "cycles"),
    [(0, 8.0, 0), (1, 8.0, 1), (8, 8.0, 1), (9, 8.0, 2), (3, 0.1, 30), (7, 0.7, 10), (1, 1 / 3, 3)],
)
def test_cycles_by_hand(amount, per_cycle, cycles):
    assert cycles_at(amount, per_cycle) == cycles


@given(st.integers(0, 10**9), st.floats(1e-3, 1e4))
def test_cycles_are_the_fewest_that_suffice(amount, per_cycle):
    cycles = cycles_at(amount, per_cycle)
    noise = 1e-6 * per_cycle + 1e-9 * amount
    assert cycles * per_cycle >= amount - noise
    assert (cycles - 1) * per_cycle < amount + noise


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(1e-2, 1e3))
def test_two_transfers_never_take_less_than_one(first, second, per_cycle):
    both = cycles_at(first + second, per_cycle)
    assert cycles_at(first, per_cycle) + cycles_at(second, per_cycle) >= both


@given(st.integers(0, 10**7), st.floats(1e-2, 1e3), st.floats(1.0, 10.0))
def test_more_bandwidth_is_never_slower(amount, per_cycle, factor):
    assert cycles_at(amount, per_cycle * factor) <= cycles_at(amount, per_cycle)
