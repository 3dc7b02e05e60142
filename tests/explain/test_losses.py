"""Losses add up to the latency, and the utilization that is left ends at the achieved one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.explain.losses import losses_of
from npusim.timing.causes import CAUSES

AMOUNTS = st.dictionaries(st.sampled_from(CAUSES), st.floats(1.0, 1e9), min_size=1)


@given(AMOUNTS)
def test_losses_add_up(amounts):
    losses = losses_of(amounts)
    whole = sum(amounts.values())
    assert sum(loss.cycles for loss in losses) == pytest.approx(whole, rel=1e-6)
    assert sum(loss.share for loss in losses) == pytest.approx(1, rel=1e-6)
    assert losses[0].cause == "compute"
    achieved = amounts.get("compute", 0.0) / whole
    assert losses[-1].utilization == pytest.approx(achieved, rel=1e-6)


@given(AMOUNTS)
def test_each_loss_lowers_the_utilization_and_the_largest_comes_first(amounts):
    losses = losses_of(amounts)
    left = [loss.utilization for loss in losses]
    assert left == sorted(left, reverse=True)
    cycles = [loss.cycles for loss in losses[1:]]
    assert cycles == sorted(cycles, reverse=True)


def test_nothing_has_no_losses():
    assert losses_of({}) == ()
    assert losses_of({"compute": 0.0, "host": 0.0}) == ()
