"""Samples: every point once, every value equally often, the same for the same seed."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from npusim.sweep.samples import Shuffle, grid, latin_hypercube, random

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=4)


@given(st.integers(1, 3000), st.integers(0, 5))
def test_a_shuffle_is_a_permutation(size: int, seed: int) -> None:
    shuffle = Shuffle(size, str(seed))
    assert sorted(map(shuffle, range(size))) == list(range(size))


@given(LENGTHS, st.integers(0, 9))
def test_a_random_order_has_every_point_once(lengths: list[int], seed: int) -> None:
    assert sorted(random(lengths, seed)) == list(grid(lengths))


def test_a_seed_gives_an_order() -> None:
    lengths = [10**6, 10**6, 10**5]
    first = list(islice(random(lengths, 1), 20))
    assert first == list(islice(random(lengths, 1), 20))
    assert first != list(islice(random(lengths, 2), 20))
    assert len(set(first)) == 20


@given(LENGTHS, st.integers(0, 3), st.integers(1, 60))
def test_a_hypercube_takes_values_equally_often(lengths: list[int], seed: int, count: int) -> None:
    numbers = list(latin_hypercube(lengths, seed, count))
    assert len(numbers) == count
    for length in reversed(lengths):
        taken = [0] * length
        for number in numbers:
            taken[number % length] += 1
        assert max(taken) - min(taken) <= 1
        numbers = [number // length for number in numbers]
    assert set(numbers) <= {0}
