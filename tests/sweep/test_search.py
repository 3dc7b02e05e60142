"""Search by Optuna: close to the whole front for a tenth of the points, and repeatable."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import npusim
from npusim.errors import UsageError
from npusim.sweep.build import space_of
from npusim.sweep.search import search
from npusim.sweep.space import Space
from tests.support.hypervolume import hypervolume, worst_of

pytest.importorskip("optuna")

CLOCKS = "200 MHz:1600 MHz:+200 MHz"
HALF = "400 MHz:1600 MHz:+400 MHz"
VARY: dict[str, Any] = {
    "mac_array.rows": "4:128:x2",
    "mac_array.cols": "4:128:x2",
    "memory.sram.size": "32KiB:8MiB:x2",
    "clock": CLOCKS,
    "memory.dram.technology": ["lpddr4x-4266", "lpddr5-6400"],
}
SEEDS = range(10)


@cache
def _space(clocks: str = CLOCKS) -> Space:
    """5184 points, or 2592 with HALF of the clocks."""
    vary = {**VARY, "clock": clocks}
    return space_of({"vary": vary, "objectives": ["latency", "energy", "area"]})


@cache
def _costs(clocks: str = CLOCKS) -> np.ndarray:
    """A model of an NPU on paper: what is faster is larger, what is larger moves less data."""
    found = []
    for number in range(_space(clocks).size):
        rows, cols, sram_bytes, clock_hz, technology = _space(clocks).values(number)
        fast = technology == "lpddr5-6400"
        bytes_per_s, joules_per_byte = (25e9, 45e-12) if fast else (17e9, 60e-12)
        share = min(1.0, 96 / rows) ** 0.3 * min(1.0, 64 / cols) ** 0.2
        work_s = 4e9 / (rows * cols * share) / clock_hz
        traffic_bytes = 25e6 * (1 + 6 * (65536 / sram_bytes) ** 0.7)
        move_s = traffic_bytes / bytes_per_s
        latency_s = max(work_s, move_s) + 0.2 * min(work_s, move_s)
        energy_j = 1.2e-3 * (1 + (clock_hz / 2e9) ** 2) + traffic_bytes * joules_per_byte
        energy_j += latency_s * (0.02 + rows * cols * 2e-6 + sram_bytes * 1e-8)
        area_mm2 = rows * cols * 6e-4 + sram_bytes / 2**20 * 0.9 + 0.5 * fast
        found.append((latency_s, energy_j, area_mm2))
    return np.log(np.array(found))


def _evaluate(numbers: Sequence[int]) -> list[tuple[float, ...] | None]:
    return [tuple(_costs()[number]) for number in numbers]


def _sampled(method: str, count: int, seed: int, clocks: str = CLOCKS) -> Space:
    sample = replace(_space().sample, method=method, count=count, seed=seed)
    return replace(_space(clocks), sample=sample)


def _share(numbers: Sequence[int], costs: np.ndarray) -> float:
    """Of the hypervolume of the whole front."""
    reference = worst_of(costs)
    return hypervolume(costs[list(numbers)], reference) / hypervolume(costs, reference)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "clocks"), [("optuna", CLOCKS), ("optuna-tpe", HALF)])
def test_a_tenth_of_the_points_finds_98_percent_of_the_front(method: str, clocks: str) -> None:
    """The estimator takes a time that grows with the square of the points: it has fewer."""
    budget, costs = _space(clocks).size // 10, _costs(clocks)
    shares, drawn = [], []
    for seed in SEEDS:
        numbers = search(
            _sampled(method, budget, seed, clocks),
            lambda points: [tuple(costs[number]) for number in points],
        )
        assert len(numbers) == len(set(numbers)) <= budget
        shares.append(_share(numbers, costs))
        drawn.append(_share(list(_sampled("random", budget, seed, clocks).points()), costs))
    assert statistics.median(shares) >= 0.98
    assert statistics.median(drawn) < 0.98  # so it takes more than luck


def test_a_seed_gives_the_same_points() -> None:
    first = search(_sampled("optuna", 40, 3), _evaluate)
    assert first == search(_sampled("optuna", 40, 3), _evaluate)
    assert first != search(_sampled("optuna", 40, 4), _evaluate)


def test_points_that_cannot_be_are_not_told_as_values() -> None:
    def some(numbers: Sequence[int]) -> list[tuple[float, ...] | None]:
        return [None if number % 2 else tuple(_costs()[number]) for number in numbers]

    numbers = search(_sampled("optuna", 40, 3), some)
    assert len(numbers) == 40


def test_constraints_hold() -> None:
    stated = {
        "vary": {**VARY, "clock": CLOCKS},
        "constraints": ["rows * cols <= 256"],
        "sample": "optuna:30",
    }
    space = space_of(stated)
    assert all(space.allows(number) for number in search(space, _evaluate))
    nothing = space_of({**stated, "constraints": ["rows > 999"]})
    with pytest.raises(UsageError, match="exclude all points that were tried"):
        search(nothing, _evaluate)


def test_a_sweep_by_search_is_a_table() -> None:
    space = {"vary": {"mac_array.rows": "4:64:x2", "clock": "100 MHz:1 GHz:+100 MHz"},
             "sample": "optuna:15", "objectives": ["latency", "energy"]}  # fmt: skip
    heard: list[Any] = []
    found = npusim.sweep(space, "mlperf-tiny-ad", told=heard.append)
    assert len(found) == heard[-1].done == heard[-1].total == 15
    again = npusim.sweep(space, "mlperf-tiny-ad")
    assert list(again.rows()) == list(found.rows())
    with pytest.raises(UsageError, match="a search needs all of its points"):
        npusim.sweep(space, "mlperf-tiny-ad", shard=(1, 2))


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"npusim\[search\]"):
        search(_sampled("optuna", 40, 3), _evaluate)
