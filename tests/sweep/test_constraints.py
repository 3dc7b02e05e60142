"""Constraints: a small language, and nothing beside it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from npusim.sweep.constraints import Constraint, ConstraintError

FIELDS = ("mac_array.rows", "mac_array.cols", "memory.sram.size", "memory.dram.technology")
CONSTANTS = {"cores": 2, "clock": 1e9, "memory.sram.banks": 16, "dma.channels": 2,
             "memory.dram.channels": 4, "vector_unit.lanes": 32}  # fmt: skip
POINT = (16, 32, 2**18, "ddr4-3200")


def _holds(text: str, point: tuple[Any, ...] = POINT) -> bool:
    return Constraint(text, FIELDS, CONSTANTS).holds(point)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows * cols <= 4096", True),
        ("rows * cols < 512", False),
        ("mac_array.rows == 16 and not cols == 16", True),
        ("memory.sram.size >= 256 KiB", True),
        ("size > 256KiB or rows % 5 == 1", True),
        ("size / (rows * cores) >= 8 KiB", True),
        ("clock <= 800 MHz", False),
        ("8 < rows < cols <= 32", True),
        ("max(rows, cols) - min(rows, cols) <= abs(-16)", True),
        ("technology == 'ddr4-3200'", True),
        ("-rows // 3 < -5", True),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert _holds(text) is expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows *", "no condition"),
        ("rows = 3", "no condition"),
        ("row < 3", "no number of this hardware is called 'row'.*did you mean 'rows'"),
        ("channels > 1", "may be dma.channels or memory.dram.channels"),
        ("__import__('os')", "the functions are"),
        ("rows.__class__ == 1", "no number"),
        ("(lambda: 1)()", "may not have|functions are"),
        ("[1][0] < rows", "may not have"),
        ("rows ** 9 > 1", "may not have Pow"),
        ("rows if cols else 1", "may not have IfExp"),
        ("max(rows, key=1)", "may not have keyword"),
        ("rows < " + "1+" * 600 + "1", "characters"),
        ("b'x' < rows", "may not have"),
    ],
)
def test_what_is_no_constraint(text: str, said: str) -> None:
    with pytest.raises(ConstraintError, match=said):
        Constraint(text, FIELDS, CONSTANTS)


@pytest.mark.parametrize("text", ["rows / (cols - 32) > 1", "technology < rows"])
def test_what_cannot_be_computed_names_the_point(text: str) -> None:
    with pytest.raises(ConstraintError, match=r"at mac_array\.rows=16"):
        _holds(text)


def test_a_constraint_can_be_pickled() -> None:
    constraint = pickle.loads(pickle.dumps(Constraint("rows * cores < 33", FIELDS, CONSTANTS)))
    assert constraint.holds(POINT)
    assert not constraint.holds((17, *POINT[1:]))
