"""Points of a space: numbers, values, constraints, samples, shards."""

from __future__ import annotations

from typing import Any

import pytest

from npusim.errors import UsageError
from npusim.sweep.build import space_of
from npusim.sweep.space import SHARD_POINTS, Space

VARY: dict[str, Any] = {
    "mac_array.rows+mac_array.cols": "8,16,32",
    "memory.sram.size": "64KiB:1MiB:x4",
    "clock": ["500 MHz", "1 GHz"],
}


def _space(**keys: Any) -> Space:
    return space_of({"vary": VARY, **keys})


def test_a_number_is_a_place_in_the_grid() -> None:
    space = _space()
    assert space.size == 18
    assert [space.number(space.places(number)) for number in range(18)] == list(range(18))
    assert space.values(0) == (8, 8, 65536, 5e8)
    assert space.values(1) == (8, 8, 65536, 1e9)
    assert space.values(17) == (32, 32, 2**20, 1e9)
    assert space.given(17) == {
        "mac_array.rows": 32, "mac_array.cols": 32, "memory.sram.size": "1 MiB", "clock": "1 GHz",
    }  # fmt: skip
    assert space.units == {"memory.sram.size": "B", "clock": "Hz"}


def test_constraints_leave_points_out_but_not_their_numbers() -> None:
    space = _space(constraints=["rows * cols <= 256", "rows > 8"])
    assert list(space.points()) == [6, 7, 8, 9, 10, 11]
    assert space.count() == 6


def test_constraints_that_exclude_everything_are_an_error() -> None:
    with pytest.raises(UsageError, match="exclude all of 18 points"):
        list(_space(constraints=["rows > 64"]).points())


def test_constraints_that_cannot_be_computed_are_an_error() -> None:
    with pytest.raises(UsageError, match="division by zero"):
        list(_space(constraints=["64 / (rows - 8) > 1"]).points())


def test_a_random_sample_has_points_of_the_grid_once() -> None:
    numbers = list(_space(sample="random:10", seed=4).points())
    assert len(numbers) == len(set(numbers)) == 10
    assert set(numbers) < set(range(18))
    assert list(_space(sample="random:99").points()) != list(range(18))
    assert sorted(_space(sample="random:99").points()) == list(range(18))
    chosen = list(_space(sample="random:4", constraints=["rows == 16"]).points())
    assert len(chosen) == 4 and set(chosen) <= set(range(6, 12))


def test_counts_that_are_known_before() -> None:
    assert _space().count() == 18
    assert _space(sample="random:10").count() == 10
    assert _space(sample="random:100").count() == 18
    assert _space(sample="random:100", constraints=["rows == 8"]).count() == 6
    assert _space(sample="lhs:10", constraints=["rows == 8"]).count() is None


def test_shards_are_parts_of_the_whole() -> None:
    space = space_of({"vary": {"mac_array.rows": "1:300:+1"}})
    parts = [list(space.points((part, 3))) for part in (1, 2, 3)]
    assert [space.count((part, 3)) for part in (1, 2, 3)] == list(map(len, parts))
    assert parts[0][:SHARD_POINTS] == list(range(SHARD_POINTS))
    assert sorted(number for part in parts for number in part) == list(range(300))


def test_the_format_is_an_axis_or_the_same_for_all() -> None:
    space = space_of({"vary": {"assume": ["int8", "fp8"], "clock": ["1 GHz"]}})
    assert [space.format_of(space.values(number)) for number in range(2)] == ["int8", "fp8"]
    assert space.given(0) == {"clock": "1 GHz"}
    space = _space(assume="int8")
    assert space.format_of(space.values(0)) == "int8"
