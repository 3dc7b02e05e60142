"""Fronts of the additive model against all assignments, and greedy against exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.quantize.tuning.exact import exact_front
from npusim.quantize.tuning.greedy import greedy_front
from npusim.quantize.tuning.table import Table, undominated

FIGURES = st.one_of(st.integers(0, 5).map(float), st.floats(0, 1e6))


@st.composite
def tables(draw, most_layers=6):
    sizes = draw(st.lists(st.integers(1, 4), max_size=most_layers))
    figures = [
        [np.array(draw(st.lists(FIGURES, min_size=n, max_size=n))) for n in sizes] for _ in "ab"
    ]
    names = tuple(tuple(map(str, range(n))) for n in sizes)
    layers = tuple(f"layer{at}" for at in range(len(sizes)))
    return Table(layers, names, *(tuple(x) for x in figures))


def every_assignment(table):
    return list(itertools.product(*(range(len(names)) for names in table.names)))


@given(tables())
def test_the_exact_front_is_that_of_all_assignments(table):
    front = exact_front(table)
    everything = every_assignment(table)
    costs = np.array([table.cost_of(one) for one in everything])
    noises = np.array([table.noise_of(one) for one in everything])
    expected = undominated(costs, noises)
    assert front.tolerance == 0
    np.testing.assert_allclose(front.costs, costs[expected], rtol=1e-12)
    np.testing.assert_allclose(front.noises, noises[expected], rtol=1e-12)


@given(tables())
def test_what_a_front_says_is_what_its_assignments_come_to(table):
    for front in (exact_front(table), greedy_front(table)):
        for assignment, noise, cost in zip(
            front.assignments, front.noises, front.costs, strict=True
        ):
            assert table.noise_of(assignment) == pytest.approx(noise, rel=1e-12)
            assert table.cost_of(assignment) == pytest.approx(cost, rel=1e-12)
        assert (np.diff(front.costs) >= 0).all()
        assert (np.diff(front.noises) < 0).all()


@given(tables())
def test_greedy_is_never_better_than_exact(table):
    exact, greedy = exact_front(table), greedy_front(table)
    for noise, cost in zip(greedy.noises, greedy.costs, strict=True):
        at = exact.best_within(cost * (1 + 1e-12))
        assert at is not None
        assert exact.noises[at] <= noise * (1 + 1e-12)


@given(tables())
def test_greedy_goes_from_the_least_noise_to_the_least_cost(table):
    front = greedy_front(table)
    assert front.noises[-1] == pytest.approx(sum(x.min() for x in table.noises), rel=1e-12)
    assert front.costs[0] == pytest.approx(sum(x.min() for x in table.costs), rel=1e-12)


@given(tables(), st.data())
def test_rivals_are_no_worse_than_what_they_challenge(table, data):
    front = exact_front(table)
    one = [data.draw(st.integers(0, len(names) - 1)) for names in table.names]
    noise, cost = table.noise_of(one), table.cost_of(one)
    quieter, cheaper = front.rivals_of(noise, cost)
    assert front.noises[quieter] <= noise * (1 + 1e-9)
    assert front.costs[quieter] <= cost * (1 + 1e-9)
    assert front.costs[cheaper] <= cost * (1 + 1e-9)
    assert front.noises[cheaper] <= noise * (1 + 1e-9)


@given(tables(), st.integers(1, 8))
def test_a_thinned_front_is_within_its_tolerance(table, most):
    front, whole = exact_front(table, most), exact_front(table)
    assert len(front) <= most
    for noise, cost in zip(whole.noises, whole.costs, strict=True):
        at = front.best_within(cost * (1 + 1e-12))
        assert at is not None
        assert front.noises[at] <= noise * (1 + front.tolerance) * (1 + 1e-9)


def test_fifty_layers_of_four_choices_are_exact():
    rng = np.random.default_rng(0)
    many = 50
    bits = np.array([2.0, 4.0, 8.0, 16.0])
    table = Table(
        tuple(map(str, range(many))), (tuple("abcd"),) * many,
        tuple(rng.lognormal(0, 2) * 4.0**-bits for _ in range(many)),
        tuple(rng.integers(1, 1000) * bits for _ in range(many)),
    )  # fmt: skip
    front = exact_front(table)
    assert front.tolerance == 0
    assert len(front) > 1000


def test_where_greedy_is_trapped_exact_is_not():
    """The step that saves most per noise leaves too little room for the one that is needed."""
    table = Table(
        ("a", "b"), (("wide", "narrow"), ("wide", "narrow")),
        (np.array([0.0, 1.0]), np.array([0.0, 2.0])),
        (np.array([10.0, 0.0]), np.array([15.0, 0.0])),
    )  # fmt: skip
    greedy, exact = greedy_front(table), exact_front(table)
    assert greedy.noises[greedy.best_within(10.0)] == 3.0
    assert exact.noises[exact.best_within(10.0)] == 2.0


@pytest.mark.parametrize("wrong", [np.array([1.0, -1.0]), np.array([1.0, np.nan]), np.ones(3)])
def test_a_table_of_nonsense_is_refused(wrong):
    with pytest.raises(ValueError):
        Table(("a",), (("x", "y"),), (np.ones(2),), (wrong,))
