"""Fields by their dotted path."""

from __future__ import annotations

import pytest

from npusim.hardware import load_hardware
from npusim.hardware.fields import (
    UnknownFieldError,
    dimension_at,
    known_keys,
    leaf_paths,
    meaning,
    value_at,
)


@pytest.mark.parametrize(
    ("path", "dimension"),
    [
        ("memory.sram.size", "bytes"),
        ("clock", "frequency"),
        ("mac_array.rows", None),
        ("memory.dram.bandwidth", "bytes_per_second"),
        ("vector_unit.rates.add", None),
        ("mac_array.precisions.int8*int8.rate", None),
        ("technology.node", "length"),
    ],
)
def test_what_a_field_measures(path: str, dimension: str | None) -> None:
    assert dimension_at(path) == dimension


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("mac_array.row", "did you mean 'mac_array.rows'?"),
        ("sram.size", "did you mean 'memory.sram.size'?"),
        ("mac_array", "is a section"),
        ("clock.speed", "clock has no keys"),
    ],
)
def test_unknown_fields_name_the_nearest(path: str, said: str) -> None:
    with pytest.raises(UnknownFieldError, match=said.replace("?", r"\?")):
        dimension_at(path)


def test_every_leaf_of_the_schema_is_a_field() -> None:
    leaves = list(leaf_paths())
    assert "memory.sram.size" in leaves and len(leaves) == len(set(leaves))
    for leaf in leaves:
        dimension_at(leaf)


def test_values_of_a_hardware() -> None:
    hardware = load_hardware("edge-npu-1")
    assert value_at(hardware, "memory.sram.size") == 512 * 1024
    assert value_at(hardware, "vector_unit.rates.add") == 1
    with pytest.raises(UnknownFieldError, match=r"memory\.dram\.bandwidth"):
        value_at(hardware, "memory.dram.bandwidth")


def test_keys_and_their_meaning() -> None:
    assert "rows" in known_keys(("mac_array",))
    assert known_keys(("mac_array", "rows")) == ()
    assert "Equal cores" in meaning(("cores",))
    assert meaning(("nothing",)) == ""
