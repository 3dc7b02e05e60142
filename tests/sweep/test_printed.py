"""A summary on a terminal."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from npusim.sweep.printed import print_summary, spread
from npusim.sweep.summary import Summary, summary
from tests.support.designs import FIELDS, OBJECTIVES, UNITS, designs


def printed(found: Summary, most: int = 12, width: int = 100) -> str:
    file = io.StringIO()
    print_summary(found, Console(file=file, width=width, highlight=False), most)
    return file.getvalue()


@pytest.fixture(scope="module")
def found() -> Summary:
    return summary(designs(), FIELDS, OBJECTIVES, UNITS)


def test_it_says_what_was_found(found: Summary) -> None:
    text = printed(found)
    assert text.startswith("128 points, 120 feasible, 8 infeasible\n")
    assert "does not fit: 8, for example point 96: conv1: no tile fits" in text
    header = next(line for line in text.splitlines() if line.startswith("front"))
    assert header.split() == [
        "front", "rows", "cols", "sram.size", "clock",
        "latency,", "ms", "energy,", "mJ", "area,", "mm2",
    ]  # fmt: skip
    assert f"12 of {len(found.front)} points on the front" in text
    assert text.count(" knee ") == 1
    matters = text[text.index("what matters") :].splitlines()
    assert matters[1].startswith("cols")
    assert "grid with holes" in matters[-1]


def test_all_of_a_front_can_be_printed(found: Summary) -> None:
    text = printed(found, 0)
    assert "spread evenly" not in text
    front = text[text.index("front") : text.index("knee:")].strip().splitlines()
    assert len(front) == 1 + len(found.front)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_it_fits_the_terminal(found: Summary, width: int) -> None:
    assert max(map(cell_len, printed(found, 12, width).splitlines())) <= width


@pytest.mark.parametrize("most", range(2, 12))
def test_a_part_of_a_front_has_both_ends_and_the_knee(most: int) -> None:
    front = list(range(100, 140))
    for knee in (100, 101, 117, 138, 139):
        rows = spread(front, knee, most)
        assert len(rows) == most and rows == sorted(rows)
        if most > 2:
            assert {100, 139, knee} <= set(rows)


def test_fields_that_change_together_are_one_column() -> None:
    columns = {**designs(), "vector_unit.lanes": designs()["mac_array.rows"]}
    text = printed(summary(columns, (*FIELDS, "vector_unit.lanes"), OBJECTIVES, UNITS))
    header = next(line for line in text.splitlines() if line.startswith("front"))
    assert header.split()[1:5] == ["rows", "+1", "cols", "sram.size"]
    assert "rows +1: lanes change with it" in text


def test_no_feasible_point_is_only_counted() -> None:
    columns = designs()
    for name in OBJECTIVES:
        columns[name][:] = np.nan
    columns["status"][:] = "unsupported"
    text = printed(summary(columns, FIELDS, OBJECTIVES))
    assert "0 feasible, 128 infeasible" in text
    assert "front" not in text
    assert "matters" not in text
