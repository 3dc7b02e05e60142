"""The published table, the laws behind it, and the search for the best clip.

The table is the project's own earlier measurement, by sampling (`numerics.md`, section 5a): "FP8 vs
INT8 by distribution", after the shape of Kuzmin et al., "FP8 Quantization: The Power of the
Exponent", NeurIPS 2022; the uniform errors of E5M2, E4M3 and E3M4 are those of the authors' code.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.quantize.formats.clip import best_fit, expected_error, fit_at
from npusim.quantize.formats.densities import Source, gaussian, student, uniform
from npusim.quantize.formats.distributions import DEFAULT, cases_named
from npusim.quantize.formats.grids import Grid, grid_named
from npusim.quantize.formats.samples import Samples

FORMATS = ("int8", "e2m5", "e3m4", "e4m3", "e5m2")
TABLE = {
    "uniform": (48.1, 44.5, 38.7, 32.7, 26.9),
    "gaussian": (40.5, 42.7, 37.6, 31.6, 25.6),
    "gaussian@4.4": (40.0, 42.7, 37.6, 31.6, 25.6),
    "student:8:100": (34.4, 38.4, 37.5, 31.5, 25.6),
    "student:4:100": (25.3, 28.6, 36.7, 31.5, 25.6),
    "student:2:1000": (10.1, 13.1, 27.9, 31.9, 25.9),
}
HEAVY = ("student:4:100", "student:2:1000")
GRIDS = {name: grid_named(name) for name in (*FORMATS, "int4", "e2m1", "int8-asym", "fp8_e4m3")}


def _sqnr(name: str, source: Source, clip: float | None = None) -> float:
    grid = GRIDS.get(name) or grid_named(name)
    return (best_fit(grid, source) if clip is None else fit_at(grid, source, clip)).sqnr_db


@pytest.mark.parametrize("case", cases_named(DEFAULT), ids=lambda case: case.name)
def test_the_table(case) -> None:
    """Within 0.3 dB where the tail is light; the same winner, and flat floats, where it is heavy.

    The earlier figures were sampled: at nu = 2 those of INT8 scatter by 2 dB.
    """
    found = {name: _sqnr(name, case.density, case.clip) for name in FORMATS}
    expected = dict(zip(FORMATS, TABLE[case.name], strict=True))
    assert max(found, key=found.__getitem__) == max(expected, key=expected.__getitem__)
    compared = ("e4m3", "e5m2") if case.name in HEAVY else FORMATS
    for name in compared:
        assert found[name] == pytest.approx(expected[name], abs=0.3), name


@pytest.mark.parametrize(("name", "mse"), [("e5m2", 6.79e-4), ("e4m3", 1.78e-4), ("e3m4", 4.55e-5)])
def test_the_authors_own_errors(name: str, mse: float) -> None:
    assert best_fit(GRIDS[name], uniform()).mse == pytest.approx(mse, rel=5e-3)


def test_integers_over_uniform_data_gain_six_decibels_a_bit() -> None:
    """SQNR = 20 log10(levels): every step has the error of a uniform step."""
    for bits in range(2, 9):
        levels = 2**bits - 1
        found = _sqnr(f"int{bits}", uniform())
        assert found == pytest.approx(20 * math.log10(levels), abs=1e-3)


def test_a_mantissa_bit_is_worth_six_decibels_where_exponents_abound() -> None:
    """The limit is reached from below: with few bits a step is not small against the value."""
    for density in (gaussian(), student(8), student(4)):
        first, second, third = np.diff([_sqnr(f"e4m{m}", density) for m in range(4)])
        assert first < second < third == pytest.approx(20 * math.log10(2), abs=0.06)


@pytest.mark.parametrize("name", ["e4m3", "e5m2"])
def test_many_exponent_bits_do_not_care_for_the_tail(name: str) -> None:
    densities = (gaussian(), student(8), student(4), student(3, 1000.0), student(2, 1000.0))
    found = [_sqnr(name, density) for density in densities]
    assert max(found) - min(found) < 0.15


def test_integers_lose_to_floats_once_the_tail_is_heavy() -> None:
    assert _sqnr("int8", gaussian()) - _sqnr("e4m3", gaussian()) == pytest.approx(9.0, abs=0.3)
    assert _sqnr("int8", student(8)) > _sqnr("e4m3", student(8))
    assert _sqnr("int8", student(4)) < _sqnr("e4m3", student(4))


def test_the_optimum_of_a_uniform_quantizer_over_normal_data() -> None:
    """Max's table (1960): 16 levels 0.01154, 8 levels 0.03744: steps on both sides of zero."""
    for levels, mse in ((16, 0.01154), (8, 0.03744)):
        codes = np.arange(levels) - (levels - 1) / 2
        steps = np.linspace(0.2, 1.0, 2001)
        errors = expected_error(codes * steps[:, None], gaussian())
        assert errors.min() == pytest.approx(mse, rel=1e-3)


@pytest.mark.parametrize("name", GRIDS)
def test_integrals_agree_with_samples(name: str) -> None:
    """The mean over two million samples at the same scale, five standard errors wide."""
    grid, density = GRIDS[name], student(6, 30.0)
    fit = best_fit(grid, density)
    drawn = np.random.default_rng(7).standard_t(6, 2_000_000)
    drawn = drawn[np.abs(drawn) <= 30.0]
    levels = (grid.values - fit.zero_point) * fit.scale
    at = np.searchsorted((levels[1:] + levels[:-1]) / 2, drawn)
    errors = (drawn - levels[at]) ** 2
    assert fit.mse == pytest.approx(errors.mean(), abs=5 * errors.std() / math.sqrt(errors.size))


@pytest.mark.parametrize("name", ["int8", "e4m3", "e2m1", "int4"])
def test_no_scale_of_a_finer_search_is_clearly_better(name: str) -> None:
    grid = GRIDS[name]
    for density in (gaussian(), student(4)):
        fit = best_fit(grid, density)
        scales = fit.scale * np.exp2(np.linspace(-1, 1, 4001))
        errors = expected_error(grid.values * scales[:, None], density)
        assert 10 * math.log10(fit.mse / errors.min()) < 0.005


def test_the_search_goes_beyond_the_extreme() -> None:
    """Up to the extreme E5M2 would lose 0.6 dB on uniform data."""
    fit = best_fit(GRIDS["e5m2"], uniform())
    assert 1.2 < fit.clip < 2.0
    clips = np.linspace(0.5, 1.0, 501)
    within = max(fit_at(GRIDS["e5m2"], uniform(), clip).sqnr_db for clip in clips)
    assert fit.sqnr_db - within == pytest.approx(0.6, abs=0.1)


_values = st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=200).map(np.array)


@settings(max_examples=30, deadline=None)
@given(values=_values.filter(lambda x: np.abs(x).max() > 1e-3), exponent=st.integers(-30, 30))
def test_the_scale_of_the_data_changes_nothing(values: np.ndarray, exponent: int) -> None:
    for name in ("int4", "e2m1", "int8-asym", "fp8_e4m3"):
        one, other = (
            best_fit(GRIDS[name], Samples(x)) for x in (values, np.ldexp(values, exponent))
        )
        assert one.sqnr_db == other.sqnr_db
        assert math.ldexp(one.scale, exponent) == other.scale


FINER = [
    ("int4", "int5"), ("int7", "int8"), ("int4", "int8"), ("e2m1", "e2m2"), ("e3m2", "e3m3"),
    ("e2m3", "e3m3"), ("e4m2", "e5m2"),
]  # fmt: skip


@pytest.mark.parametrize(("coarse", "fine"), FINER)
@pytest.mark.parametrize("seed", range(3))
def test_a_finer_grid_keeps_at_least_as_much(coarse: str, fine: str, seed: int) -> None:
    """It has every value of the coarser one, at some scale; up to what the search misses."""
    values = np.random.default_rng(seed).standard_t(2 + 2 * seed, 500)
    for source in (gaussian(), uniform(), student(3), Samples(values)):
        assert _sqnr(fine, source) > _sqnr(coarse, source) - 0.02


def test_data_on_the_grid_loses_nothing() -> None:
    values = np.array([0.0, 1.0, 3.0, -7.0, 4.0]) * 0.37
    assert best_fit(GRIDS["int4"], Samples(values)).sqnr_db == math.inf


def test_data_of_zeros_has_no_ratio() -> None:
    fit = best_fit(GRIDS["int8"], Samples(np.zeros(3)))
    assert (fit.mse, fit.power) == (0.0, 0.0)
    assert math.isnan(fit.sqnr_db)


def test_a_given_clip_is_where_the_outer_codes_lie() -> None:
    for name in ("int8", "e5m2"):
        grid: Grid = GRIDS[name]
        fit = fit_at(grid, gaussian(), 4.4)
        assert fit.clip == pytest.approx(4.4)
        assert fit.scale * grid.greatest == pytest.approx(4.4)
