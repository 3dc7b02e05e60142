"""The resolved listing: nothing that a simulation uses is missing from it."""

from __future__ import annotations

from typing import Any

import pytest

from npusim.hardware import load_description, preset_names
from npusim.hardware.resolved import ResolvedRow, resolved_rows


def rows(name: str, overrides: tuple[str, ...] = ()) -> dict[str, ResolvedRow]:
    return {row.path: row for row in resolved_rows(load_description(name, overrides))}


def leaves(data: Any, path: str = "") -> list[str]:
    if isinstance(data, dict) and data:
        return [leaf for key, item in data.items() for leaf in leaves(item, f"{path}.{key}")]
    return [path.lstrip(".")]


@pytest.mark.parametrize("name", preset_names())
def test_every_field_of_the_model_is_listed(name: str) -> None:
    listed = set(rows(name))
    data = load_description(name).hardware.model_dump(
        by_alias=True, exclude={"npusim", "name", "description", "sources", "free", "not_modelled"}
    )
    for path in leaves(data):
        parts = path.split(".")
        assert any(".".join(parts[:depth]) in listed for depth in range(1, len(parts) + 1)), path


def test_values_are_shown_in_units_with_origin_and_source() -> None:
    shown = rows("ethos-u65-512", ("memory.sram.size=1 MiB", "memory.dram.latency=100 ns"))
    assert shown["clock"].text == "1 GHz"
    assert shown["clock"].origin == "ethos-u65-512.yaml"
    assert shown["clock"].sources[0].startswith("system: ethos-u-vela")
    assert (shown["memory.sram.size"].text, shown["memory.sram.size"].origin) == ("1 MiB", "--set")
    assert shown["memory.dram.latency"].text == "100 ns"
    assert shown["mac_array.pixels"].text == "[2, 2]"
    assert shown["mac_array.precisions.int8*int8"].text == "rate 1"
    assert shown["mac_array.precisions.int16*int8.accumulator"].text == "int40"
    assert (shown["technology.static"].text, shown["technology.static"].origin) == (
        "null",
        "default",
    )
    assert shown["peak int8*int8"].text == "512 MACs/cycle, 1.024 TOPS"
    assert shown["second memory: first access"].text == "100 cycles"


def test_the_memory_table_is_listed_with_its_sources() -> None:
    shown = rows("edge-npu-1")
    assert shown["lpddr4x-4266: energy_pj_per_bit"].text == "6 pJ/bit"
    assert shown["lpddr4x-4266: energy_pj_per_bit"].sources[0].endswith("[L]")
    assert shown["second memory: energy"].text == "48 pJ/B"
