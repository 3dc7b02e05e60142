"""One scale a row: rounding by arithmetic, and a search that is nearly that of one scale."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npusim.quantize.formats.clip import best_fit
from npusim.quantize.formats.grids import EXAMPLES, grid_named
from npusim.quantize.formats.groups import best_rows, rounded
from npusim.quantize.formats.samples import Samples

RNG = np.random.default_rng(3)
ROWS = RNG.standard_t(5, (12, 400)) * np.exp(RNG.normal(size=(12, 1)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_rounding_finds_the_nearest_value(name: str) -> None:
    """Also beyond the greatest and below the least value, at values and halfway between."""
    grid = grid_named(name)
    between = (grid.values[1:] + grid.values[:-1]) / 2
    spread = RNG.normal(size=2000) * grid.greatest * np.exp2(-RNG.uniform(0, 12, 2000))
    for values in (grid.values, between, spread, np.array([3.0, -3.0]) * grid.greatest):
        near = rounded(grid, np.ascontiguousarray(values))
        assert np.isin(near, grid.values).all()
        least = np.abs(values[:, None] - grid.values).min(axis=1)
        assert np.array_equal(np.abs(values - near), least)


def test_a_zero_point_moves_the_codes() -> None:
    grid = grid_named("int4-asym")
    assert rounded(grid, np.array([-9.0, -4.2, 0.4, 20.0]), 4.0).tolist() == [-4, -4, 0, 11]


@pytest.mark.parametrize("name", EXAMPLES)
def test_errors_are_those_of_the_scales_found(name: str) -> None:
    grid = grid_named(name)
    found = best_rows(grid, ROWS)
    levels = rounded(grid, ROWS / found.scale[:, None], found.zero_point[:, None])
    errors = ((ROWS - levels * found.scale[:, None]) ** 2).sum(axis=1)
    assert found.squared_error == pytest.approx(errors)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_row_is_nearly_at_its_best_scale(name: str) -> None:
    grid = grid_named(name)
    found = best_rows(grid, ROWS).squared_error
    searched = np.array([best_fit(grid, Samples(row)).mse * row.size for row in ROWS])
    assert (10 * np.log10(found / searched) < 0.3).all()
    assert 10 * math.log10(found.sum() / searched.sum()) < 0.1


def test_rows_do_not_know_of_each_other() -> None:
    grid = grid_named("e2m1")
    together = best_rows(grid, ROWS)
    alone = [best_rows(grid, row[None]) for row in ROWS]
    assert np.array_equal(together.squared_error, np.concatenate([x.squared_error for x in alone]))
    assert np.array_equal(together.scale, np.concatenate([x.scale for x in alone]))


def test_rows_of_zeros_lose_nothing() -> None:
    found = best_rows(grid_named("int8"), np.zeros((2, 5)))
    assert found.squared_error.tolist() == [0.0, 0.0]
    assert np.isfinite(found.scale).all()
