"""Sensitivity of functions whose shares of the variance are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from npusim.sweep.sensitivity import GRID, PARTIAL_GRID, SAMPLE, Share, sensitivity

GRID_ABC = dict(zip("abc", np.array(list(itertools.product(range(4), repeat=3))).T, strict=True))
A, B, C = (GRID_ABC[name].astype(np.float64) for name in "abc")
"""Centred, so that products of fields are independent of the fields."""
A_C, B_C = A - A.mean(), B - B.mean()


def shares(values, **more) -> dict[str, Share]:
    return {one.field: one for one in sensitivity(GRID_ABC, values, **more).shares}


def test_a_sum_has_shares_by_the_squares_of_its_factors() -> None:
    found = shares(3 * A_C + B_C - 100)
    assert found["a"] == Share("a", pytest.approx(0.9), pytest.approx(0.9))
    assert found["b"] == Share("b", pytest.approx(0.1), pytest.approx(0.1))
    assert found["c"] == Share("c", pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))


def test_an_interaction_is_in_the_total_only() -> None:
    found = shares(A_C * B_C)
    for name in "ab":
        assert found[name].first == pytest.approx(0, abs=1e-12)
        assert found[name].total == pytest.approx(1)


def test_a_product_of_positive_factors_has_no_interaction() -> None:
    result = sensitivity(GRID_ABC, np.exp(A) * np.exp(2 * B))
    assert (result.basis, result.logarithm) == (GRID, True)
    assert [one.field for one in result.shares] == ["b", "a", "c"]
    for one in result.shares:
        assert one.total == pytest.approx(one.first)


def test_shares_of_a_full_grid_sum_as_an_analysis_of_variance_does() -> None:
    found = shares(np.random.default_rng(0).normal(size=len(A)))
    assert sum(one.first for one in found.values()) <= 1 <= sum(one.total for one in found.values())
    assert all(0 <= one.first <= one.total <= 1 for one in found.values())


def test_the_function_of_ishigami_has_its_known_shares() -> None:
    """Ishigami and Homma, ISUMA 1990: shares in closed form; a grid of midpoints comes close."""
    a, b, count = 7.0, 0.1, 48
    levels = -np.pi + (np.arange(count) + 0.5) * 2 * np.pi / count
    x, y, z = (axis.ravel() for axis in np.meshgrid(levels, levels, levels, indexing="ij"))
    values = np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)
    of_x = (1 + b * np.pi**4 / 5) ** 2 / 2
    of_y, of_both = a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole = of_x + of_y + of_both
    result = sensitivity({"x": x, "y": y, "z": z}, values)
    found = {one.field: one for one in result.shares}
    expected = {"x": (of_x, of_x + of_both), "y": (of_y, of_y), "z": (0.0, of_both)}
    for field, (first, total) in expected.items():
        assert found[field].first == pytest.approx(first / whole, abs=0.003)
        assert found[field].total == pytest.approx(total / whole, abs=0.003)


def test_missing_points_make_it_an_estimate() -> None:
    values = np.where((A == 3) & (B == 3), np.nan, 3 * A_C - 100)
    result = sensitivity(GRID_ABC, values)
    assert result.basis == PARTIAL_GRID
    first, *others = result.shares
    assert first.field == "a"
    assert first.first == pytest.approx(1)
    assert [one.total for one in others] == pytest.approx([0, 0])


def test_points_without_a_neighbour_do_not_make_a_field_seem_idle() -> None:
    cut = (A + B + C) % 4 < 2  # two levels of each field are left at each place of the others
    lonely = cut & ~((A == 0) & (B == 0))
    for kept in (cut, lonely):
        result = sensitivity(GRID_ABC, np.where(kept, np.exp(B_C), np.nan))
        found = {one.field: one for one in result.shares}
        assert found["b"].total > 0.5
        assert found["a"].total == pytest.approx(0) == found["c"].total
    alone = sensitivity(GRID_ABC, np.where(A == B, np.exp(B_C), np.nan))
    assert {one.field: one.total for one in alone.shares}["b"] == 0


def test_random_points_are_estimated_close_to_the_known_shares() -> None:
    random = np.random.default_rng(1)
    x, y, z = random.random((3, 4000))
    result = sensitivity({"x": x, "y": y, "z": z}, 3 * x + y - 100, sampled=True)
    found = {one.field: one for one in result.shares}
    assert result.basis == SAMPLE
    assert found["x"].first == pytest.approx(0.9, abs=0.03)
    assert found["y"].first == pytest.approx(0.1, abs=0.03)
    assert found["z"].first == pytest.approx(0.0, abs=0.02)
    assert {one.total for one in result.shares} == {None}


def test_texts_are_levels_too() -> None:
    fields = {"format": ["int8", "fp16", "int8", "fp16"], "rows": [8, 8, None, None]}
    result = sensitivity(fields, np.array([1.0, 4.0, 1.0, 4.0]))
    assert result.shares[0] == Share("format", pytest.approx(1), pytest.approx(1))
    assert result.shares[1].total == pytest.approx(0)


@pytest.mark.parametrize("values", [[2.0] * 4, [np.nan] * 4, [1.0, np.nan, np.nan, np.nan]])
def test_what_does_not_vary_has_no_shares(values: list[float]) -> None:
    result = sensitivity({"a": [1, 2, 3, 4]}, np.array(values))
    assert not result.varies
    assert result.shares == ()


def test_a_field_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a: 2 values for 4 points"):
        sensitivity({"a": [1, 2]}, np.ones(4))
