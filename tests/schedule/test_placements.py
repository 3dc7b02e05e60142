"""First fit in arrays equals first fit over objects; places as a mapping."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npusim.schedule.placements import (
    NOWHERE,
    Placements,
    Spans,
    as_placements,
    first_fit,
    no_placements,
    settle,
)
from npusim.schedule.program import Placement
from npusim.schedule.tables import INPUTS, OPERAND, RESIDENT

STEPS = 6


@st.composite
def spans(draw: st.DrawFn) -> np.ndarray:
    count = draw(st.integers(0, 8))
    rows = []
    for number in range(count):
        first, last = sorted(draw(st.tuples(*[st.integers(0, STEPS - 1)] * 2)))
        rows.append((number, first, last, draw(st.integers(0, 40))))
    return np.array(rows, np.int64).reshape(count, 4)


def slow_first_fit(rows: np.ndarray, order: list[int], rooms: list[int]) -> list[int]:
    """Every address from 0 on, until one is free over the whole range."""
    offsets = [NOWHERE] * len(rows)
    for at in order:
        _, first, last, size = rows[at].tolist()
        busy = [
            (offsets[other], offsets[other] + size_)
            for other, (_, first_, last_, size_) in enumerate(rows.tolist())
            if offsets[other] >= 0 and first_ <= last and first <= last_
        ]
        offset = 0
        while any(start < offset + size and offset < stop for start, stop in busy):
            offset += 1
        if offset + size <= min(rooms[first : last + 1]):
            offsets[at] = offset
    return offsets


@given(spans(), st.lists(st.integers(0, 100), min_size=STEPS, max_size=STEPS), st.randoms())
def test_the_lowest_free_address_is_taken(rows, rooms, random) -> None:
    rows[:, 3] = np.maximum(rows[:, 3], 1)
    order = list(range(len(rows)))
    random.shuffle(order)
    offsets = np.full(len(rows), NOWHERE)
    first_fit(rows, np.array(order, np.int64), np.array(rooms, np.int64), offsets)
    assert offsets.tolist() == slow_first_fit(rows, order, rooms)


@given(spans())
def test_what_has_a_place_keeps_it(rows) -> None:
    rooms = np.full(STEPS, 1000)
    offsets = np.full(len(rows), NOWHERE)
    half = np.arange(len(rows))
    first_fit(rows, half[::2], rooms, offsets)
    before = offsets.copy()
    first_fit(rows, half[1::2], rooms, offsets)
    assert (offsets[::2] == before[::2]).all()
    assert (offsets >= 0).all()


def settled(places: Placements) -> tuple[list[bool], list[int]]:
    """Which of four tensors stay by what becomes of their operands, and the tops of all steps."""
    operands, top = np.zeros(4, OPERAND), np.zeros(STEPS, np.int64)
    operands["tensor"], operands["stream"] = range(4), INPUTS
    settle(places.spans.rows, places.offsets, 4, operands, top)
    return (operands["stream"] == RESIDENT).tolist(), top.tolist()


def test_places_by_name() -> None:
    rows = np.array([[3, 0, 2, 10], [1, 1, 4, 20], [0, 5, 5, 7]], np.int64)
    places = Placements(Spans(("a", "b", "c"), rows), np.array([0, 10, NOWHERE]))
    assert dict(places) == {"a": Placement(0, 10, 0, 2), "b": Placement(10, 20, 1, 4)}
    assert "c" not in places
    assert len(places) == 2
    assert settled(places) == ([False, True, False, True], [10, 30, 30, 30, 30, 0])
    again = as_placements(dict(places), ("c", "b", "x", "a"))
    assert again == places == dict(places)
    assert settled(again) == settled(places)
    assert no_placements() == {}
    assert places != Placements(places.spans, np.array([0, NOWHERE, NOWHERE]))
