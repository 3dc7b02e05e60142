"""Losses add up to the latency, and the utilization that is left ends at the achieved one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import npusim
from npusim.explain.losses import COMPUTE, OVERLAPPED, losses_of
from npusim.timing.causes import CAUSES

AMOUNTS = st.dictionaries(st.sampled_from(CAUSES), st.floats(1.0, 1e9), min_size=1)
OVERLAPS = st.floats(0.0, 1e9)


@given(AMOUNTS, OVERLAPS)
def test_losses_add_up(amounts, overlapped):
    ideal = amounts.get(COMPUTE, 0.0) + overlapped
    losses = losses_of(amounts, ideal)
    whole = sum(amounts.values())
    assert sum(loss.cycles for loss in losses) == pytest.approx(whole, rel=1e-6)
    assert sum(loss.share for loss in losses) == pytest.approx(1, rel=1e-6)
    assert losses[0].utilization == 1.0
    assert (losses[0].cause, losses[0].cycles) == (COMPUTE, ideal)
    assert losses[-1].utilization == pytest.approx(min(1.0, ideal / whole), rel=1e-6)


@given(AMOUNTS, OVERLAPS)
def test_each_loss_lowers_the_utilization_and_the_largest_comes_first(amounts, overlapped):
    losses = losses_of(amounts, amounts.get(COMPUTE, 0.0) + overlapped)
    real = [loss for loss in losses[1:] if loss.cause != OVERLAPPED]
    left = [losses[0].utilization, *(loss.utilization for loss in real)]
    assert left == sorted(left, reverse=True)
    cycles = [loss.cycles for loss in real]
    assert cycles == sorted(cycles, reverse=True)


def test_nothing_has_no_losses():
    assert losses_of({}, 0.0) == ()
    assert losses_of({"compute": 0.0, "host": 0.0}, 0.0) == ()


def test_a_network_ends_at_its_utilization():
    total = npusim.simulate("mobilenet-v2", "edge-npu-1").total
    losses = losses_of(total.cycles_by_cause, total.utilization * total.cycles)
    assert losses[-1].utilization == pytest.approx(total.utilization)
    assert losses[-1].cause == OVERLAPPED
