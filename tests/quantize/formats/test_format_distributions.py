"""Names of distributions, and every mistake in them."""

from __future__ import annotations

import pytest

from npusim.errors import UsageError
from npusim.quantize.formats.distributions import DEFAULT, cases_named


def test_cuts_and_clips() -> None:
    found = cases_named(("uniform", "uniform:2", "gaussian@4.4", "student:4", "student:2:1000@9"))
    assert [(each.density.limit, each.clip) for each in found] == [
        (1.0, None), (2.0, None), (10.0, 4.4), (100.0, None), (1000.0, 9.0),
    ]  # fmt: skip


def test_the_default_ones_are_sound() -> None:
    assert [each.name for each in cases_named(DEFAULT)] == list(DEFAULT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gausian", "did you mean 'gaussian'"),
        ("student", "degrees of freedom"),
        ("student:2.5", "degrees of freedom"),
        ("student:0", "degrees of freedom"),
        ("student:4:nan", "cut 'nan'"),
        ("student:4:5:6", "more than one cut"),
        ("uniform:-1", "cut '-1'"),
        ("gaussian@inf", "clip 'inf'"),
        ("gaussian@", "clip ''"),
    ],
)
def test_mistakes(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cases_named((name,))


def test_all_mistakes_together() -> None:
    with pytest.raises(UsageError) as caught:
        cases_named(("uniform", "uniform", "cauchy"))
    assert len(caught.value.problems) == 2
