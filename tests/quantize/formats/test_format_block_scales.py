"""Scales of blocks: which exist, and that the search takes the best of them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from npusim.quantize.formats.block_scales import ANY, POWER_OF_TWO, snap_of
from npusim.quantize.formats.grids import grid_named
from npusim.quantize.formats.groups import best_rows, rounded

RNG = np.random.default_rng(11)
BLOCKS = RNG.standard_t(4, (40, 16)) * np.exp(RNG.normal(size=(40, 1)))


def test_powers_of_two() -> None:
    snap = snap_of(POWER_OF_TWO, 1.0)
    assert snap(np.array([0.25, 0.3, 0.36, 1.5, 1e-20])).tolist() == [0.25, 0.25, 0.5, 2, 2**-66]


def test_e4m3_numbers_times_a_scale_of_the_tensor() -> None:
    snap, greatest = snap_of("fp8_e4m3", 3.0), 3.0
    codes = snap(np.geomspace(1e-8, 10.0, 500)) / (greatest / 448)
    numbers = np.arange(128, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(float)
    assert np.isin(np.round(codes, 9), np.round(numbers, 9)).all()
    assert codes.min() == pytest.approx(2.0**-9) and codes.max() == pytest.approx(448)


def test_any_scale_stays() -> None:
    scales = RNG.random(5)
    assert snap_of(ANY, 1.0)(scales) is scales


def test_the_best_power_of_two_is_found() -> None:
    """Against all of them, tried one by one."""
    grid = grid_named("e2m1")
    found = best_rows(grid, BLOCKS, POWER_OF_TWO)
    powers = np.exp2(np.arange(-20.0, 12.0))
    errors = np.stack([((BLOCKS - rounded(grid, BLOCKS / p) * p) ** 2).sum(1) for p in powers])
    assert found.squared_error == pytest.approx(errors.min(axis=0))
    assert np.isin(found.scale, powers).all()


def test_blocks_of_zeros_lose_nothing() -> None:
    blocks = np.concatenate([BLOCKS[:2], np.zeros((1, 16))])
    for kind in (ANY, POWER_OF_TWO, "fp8_e4m3"):
        assert best_rows(grid_named("int4"), blocks, kind).squared_error[2] == 0.0
        assert best_rows(grid_named("int4"), np.zeros((2, 4)), kind).squared_error.sum() == 0.0
