"""Axes: texts to values, and what is no axis."""

from __future__ import annotations

from typing import Any

import pytest

from npusim.hardware.fields import UnknownFieldError
from npusim.sweep.axis import AxisError, axis_of, split_vary


@pytest.mark.parametrize(
    ("name", "spec", "values"),
    [
        ("mac_array.rows", "16, 32,64", [16, 32, 64]),
        ("mac_array.rows", "8:20:+4", [8, 12, 16, 20]),
        ("mac_array.rows", "8:70:x2", [8, 16, 32, 64]),
        ("memory.sram.size", "256KiB:1MiB:x2", [2**18, 2**19, 2**20]),
        ("memory.sram.size", ["1 MiB", "1000 B"], [2**20, 1000]),
        ("clock", "100 MHz:0.3 GHz:+0.1 GHz", [1e8, 2e8, 3e8]),
        ("clock", {"from": "1 GHz", "to": "2 GHz", "step": "500 MHz"}, [1e9, 1.5e9, 2e9]),
        ("mac_array.rows", {"from": 2, "to": 8, "factor": 2}, [2, 4, 8]),
        ("vector_unit.rates.add", "0.1:0.3:+0.1", [0.1, 0.2, 0.3]),
        ("memory.dram.technology", "lpddr4x-4266,ddr4-3200", ["lpddr4x-4266", "ddr4-3200"]),
        ("mac_array.dataflows", "[weight_stationary],[output_stationary, weight_stationary]",
         ["[weight_stationary]", "[output_stationary, weight_stationary]"]),
        ("mapping.pipeline", [True, False], [True, False]),
        ("memory.dram.bandwidth", "null,10 GB/s", [None, 1e10]),
        ("mac_array.rows", 7, [7]),
        ("assume", "int8,int8*int4", ["int8", "int8*int4"]),
    ],
)  # fmt: skip
def test_values(name: str, spec: object, values: list[Any]) -> None:
    axis = axis_of(name, spec)
    assert [row[0] for row in axis.values] == values
    assert list(map(type, (row[0] for row in axis.values))) == list(map(type, values))


def test_given_values_are_what_a_description_states() -> None:
    axis = axis_of("memory.sram.size", "256KiB:512KiB:x2")
    assert axis.given == (("256 KiB",), ("512 KiB",))
    assert axis.units == ("B",)


def test_coupled_fields_take_one_value_or_one_each() -> None:
    name = "mac_array.rows+mac_array.cols"
    assert axis_of(name, "16,32").values == ((16, 16), (32, 32))
    assert axis_of(name, [[16, 8], [32, 4]]).values == ((16, 8), (32, 4))
    assert axis_of(name, "[16, 8],[32, 4]").values == ((16, 8), (32, 4))


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        ("mac_array.rows", "16:8:+1", "range is empty"),
        ("mac_array.rows", "1:8:+0", "never ends"),
        ("mac_array.rows", "1:8:x1", "never ends"),
        ("mac_array.rows", "0:8:x2", "never ends"),
        ("mac_array.rows", "1:8", "is no range"),
        ("mac_array.rows", "1,,2", "empty value"),
        ("mac_array.rows", [], "no values"),
        ("mac_array.rows", "1:1000000:+1", "more than 100000"),
        ("mac_array.rows", "8,8", "twice"),
        ("memory.sram.size", "1 MiB,1024 KiB", "twice"),
        ("memory.sram.size", "1:8:+1", "has no unit"),
        ("memory.sram.size", "1 MB:2 MB:x1.0000003", "not a whole number"),
        ("mac_array.rows", {"from": 1, "to": 2}, "keys from, to"),
        ("mac_array.rows+clock", "1:2:+1", "measure the same"),
        ("mac_array.rows+mac_array.cols", [[1, 2, 3]], "one value for each"),
        ("mac_array.rows+mac_array.rows", "1", "twice"),
        ("mac_array.rows", "x:y:+1", "not a number"),
    ],
)
def test_what_is_no_axis(name: str, spec: object, said: str) -> None:
    with pytest.raises(AxisError, match=said):
        axis_of(name, spec)


def test_unknown_fields() -> None:
    with pytest.raises(UnknownFieldError, match="did you mean"):
        axis_of("mac_array.row", "1")


def test_a_text_on_the_command_line() -> None:
    assert split_vary("mac_array.rows = 1,2") == ("mac_array.rows", "1,2")
    for text in ("mac_array.rows", "=1", "clock="):
        with pytest.raises(AxisError, match="PATH=VALUES"):
            split_vary(text)
