"""Layout of a table: types of columns, and what tells two spaces apart in words."""

from __future__ import annotations

from dataclasses import replace

from npusim.sweep.about import column_types, difference
from tests.sweep.test_store import ABOUT


def test_the_first_difference_is_said() -> None:
    assert difference(replace(ABOUT, npusim="2"), ABOUT) == "its npusim is 2, here is 1"
    assert difference(replace(ABOUT, models=("a", "b")), ABOUT) == "its models are a, b, here are m"
    more = replace(ABOUT, metrics=(*ABOUT.metrics, "accuracy"))
    assert difference(ABOUT, more) == "its points have no accuracy"
    assert difference(more, ABOUT) == "its points have accuracy, here not"
    assert "models or options differ" in difference(ABOUT, ABOUT)


def test_a_table_has_a_type_for_each_column() -> None:
    assert len(ABOUT.columns) == len(ABOUT.column_types)


def test_types_of_columns() -> None:
    values = [[1, 2], [1, 2.5], ["a", 1], [None, 3], [True, False]]
    assert column_types(values, ("cycles", "latency_s"), 1) == [
        "INTEGER", "REAL", "TEXT", "INTEGER", "INTEGER", "INTEGER", "REAL",
    ]  # fmt: skip
    assert column_types([], ("cycles",), 2) == ["REAL"]
