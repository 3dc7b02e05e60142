"""Short names and values of fields."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.sweep.labels import cells, heading, level, scale_of, short_names
from npusim.sweep.objectives import objective_of


@pytest.mark.parametrize(
    ("fields", "short"),
    [
        (["mac_array.rows", "clock"], ["rows", "clock"]),
        (["memory.sram.size", "memory.dram.size"], ["sram.size", "dram.size"]),
        (["a.rate", "b.rate"], ["a.rate", "b.rate"]),
        (["rate", "b.rate"], ["rate", "b.rate"]),
        (["assume"], ["assume"]),
    ],
)
def test_names_are_as_short_as_they_can_be_told_apart(fields, short) -> None:
    assert list(short_names(fields).values()) == short


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (262144.0, "B", "256 KiB"),
        (np.int64(262144), "B", "256 KiB"),
        (np.float64(262144), "B", "256 KiB"),
        (1e9, "Hz", "1 GHz"),
        (2.5, None, "2.5"),
        (16.0, None, "16"),
        ("int8", None, "int8"),
        (float("nan"), "B", "-"),
        (True, "B", "True"),
    ],
)
def test_values_have_their_unit(value: object, unit: str | None, text: str) -> None:
    assert level(value, unit) == text


def test_one_unit_for_a_column() -> None:
    latency = objective_of("latency_s")
    values = np.array([2e-6, 3e-3, np.nan, 5e-3])
    scale = scale_of(latency, values)
    assert heading(latency, scale) == "latency, ms"
    assert cells(values, scale) == ("0.00200", "3.00", "-", "5.00")
    assert scale_of(latency, values[2:3]).unit == "ns"
