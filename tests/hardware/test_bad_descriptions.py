"""Every field of a description refuses nonsense with its name and what to change.

The fields come from the schema, so a new one is tested without a new line here. The lowest and the
highest value that a number may have must still give a simulation that adds up, or an error of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

import npusim
from npusim.errors import DescriptionError, NpusimError
from npusim.hardware import load_hardware
from npusim.hardware.explainer import known_keys
from npusim.units import DIMENSIONS
from tests.support.schema_fields import Numeric, numeric_fields

PRESETS = ("edge-npu-1", "ethos-u65-512")


FIELDS = tuple(numeric_fields())


def nonsense(field: Numeric) -> Iterator[object]:
    """Values that no field of this kind may have."""
    if field.dimension is None:
        numbers = (-1, 10**30, 1e30, "many", True, math.nan, [[]])
    else:
        unit = next(iter(DIMENSIONS[field.dimension].units))
        numbers = (f"-1 {unit}", f"1e99 {unit}", "1 parsec", 3, "many", True, f"nan {unit}")
    for value in numbers:
        if "dict" in field.annotation:
            yield {"K": value, "conv2d": value, "int8*int8": value, "add": value}
        elif "tuple" in field.annotation:
            yield [value, 1]
        else:
            yield value


def message(preset: str, path: str, value: object) -> str:
    with pytest.raises(DescriptionError) as caught:
        load_hardware(preset, {path: value})
    return str(caught.value)


def test_the_schema_has_these_numbers() -> None:
    """So that the tests below are not empty."""
    paths = {field.path for field in FIELDS}
    assert len(paths) > 35
    some = {"clock", "mac_array.pixels", "memory.sram.banks", "mapping.tile_max", "dma.channels"}
    assert some <= paths


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_no_number_takes_nonsense(preset: str, field: Numeric) -> None:
    for value in nonsense(field):
        text = message(preset, field.path, value)
        assert field.path in text, "the field is named"
        helpful = ("must be", "expected", "has no unit", "unknown", "is not", "remove it")
        assert any(words in text for words in helpful), text


def test_in_a_file_the_place_and_the_field_are_named(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("npusim: hardware/1\nextends: edge-npu-1\nname: mine\nclock: 0 MHz\n")
    with pytest.raises(DescriptionError) as caught:
        load_hardware(path)
    assert str(caught.value) == f"{path}:4:8: clock: '0 MHz' is out of range: it must be positive"


@pytest.mark.parametrize("section", ["", "mac_array", "memory.sram", "memory.dram", "dma"])
def test_an_unknown_key_gets_the_keys_that_exist(section: str) -> None:
    path = f"{section}.zzz" if section else "zzz"
    known = known_keys(tuple(section.split(".")) if section else ())
    assert all(key in message("edge-npu-1", path, 1) for key in known)


COMBINATIONS = {
    "a dataflow that the array cannot do": (
        {"mac_array.dataflows": ["part_kernel"]},
        "a systolic array has no dataflow 'part_kernel': expected weight_stationary",
    ),
    "a dataflow twice": (
        {"mac_array.dataflows": ["weight_stationary", "weight_stationary"]},
        "names a dataflow twice: list each once",
    ),
    "no dataflow": ({"mac_array.dataflows": []}, "expected at least 1 entries"),
    "no bandwidth": ({"memory.dram.bandwidth": "0 GB/s"}, "it must be positive"),
    "a bandwidth that is none": (
        {"memory.dram.bandwidth": "1 B/s"},
        "raise memory.dram.bandwidth or lower clock",
    ),
    "banks that do not divide": (
        {"memory.sram.banks": 3},
        "3 banks do not divide the size of 524288 bytes: change banks or size",
    ),
    "tile limits that exclude each other": (
        {"mapping.tile_max.K": 4, "mapping.tile_multiple.K": 8},
        "tile_max K = 4 is less than tile_multiple K = 8: raise the one or lower the other",
    ),
    "integers that overflow to infinity": (
        {"mac_array.accumulator.on_overflow": "infinity"},
        "a sum in int32 cannot become infinity: take wrap or saturate",
    ),
    "no format pair": ({"mac_array.precisions": {"int8*int8": None}}, "keep at least one"),
    "pixels of a systolic array": (
        {"mac_array.pixels": [2, 2]},
        "has no meaning in a systolic array: remove it, or set style: dot_product",
    ),
    "a memory without a bandwidth": (
        {"memory.dram.technology": "sram_port", "memory.dram.bandwidth": None},
        "says no bandwidth: state it here, for example bandwidth: 512 MB/s",
    ),
    "an order of blocks without blocks": (
        {"memory.layout.order": "hcw"},
        "set channel_block, for example 16, or order: hwc",
    ),
}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_bad_combination_says_what_to_change(name: str) -> None:
    overrides, expected = COMBINATIONS[name]
    base = "tpu-like-128" if "format pair" in name else "edge-npu-1"
    if "format pair" in name:
        pairs = load_hardware(base).mac_array.precisions
        overrides = {"mac_array.precisions": dict.fromkeys(pairs)}
    with pytest.raises(DescriptionError) as caught:
        load_hardware(base, overrides)
    assert expected in str(caught.value)


NO_TILING = {
    "an SRAM that no tile fits in": (
        {"memory.sram.size": "16 B"},
        "bytes of SRAM, edge-npu-1 has 16: raise memory.sram.size or allow smaller tiles",
    ),
    "blocks of channels that no tile fits with": (
        {"memory.layout.channel_block": 2**20},
        "raise memory.sram.size or allow smaller tiles in mapping",
    ),
}


@pytest.mark.parametrize("name", NO_TILING)
def test_where_nothing_fits_the_layer_and_the_remedy_are_named(name: str) -> None:
    overrides, expected = NO_TILING[name]
    with pytest.raises(NpusimError) as caught:
        npusim.simulate("digits", load_hardware("edge-npu-1", overrides))
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith("stem: the smallest tile needs ")
    assert expected in str(caught.value)


def extremes(field: Numeric) -> Iterator[object]:
    """The lowest and the highest value that the schema allows."""
    for bound in field.bounds:
        if field.dimension is not None:
            units = DIMENSIONS[field.dimension].units
            unit = next(u for u, scale in units.items() if field.dimension != "length" or u == "nm")
            number = bound / float(units[unit])
            value: object = f"{number:.17g} {unit}"
        else:
            value = int(bound) if bound == int(bound) and "float" not in field.annotation else bound
        if "dict" in field.annotation:
            names = {"mac_array.precisions": "int8*int8", "vector_unit.rates": "add"}
            value = {names.get(field.path, "conv2d" if field.dimension else "K"): value}
        elif "tuple" in field.annotation:
            value = [value, value]
        yield value


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_extreme_numbers_still_add_up_or_are_refused(preset: str, field: Numeric) -> None:
    model = npusim.load_model("digits")
    for value in extremes(field):
        try:
            total = npusim.simulate(model, load_hardware(preset, {field.path: value})).total
        except NpusimError:
            continue
        causes = total.cycles_by_cause.values()
        assert math.fsum(causes) == pytest.approx(total.cycles, rel=1e-6)
        assert min(causes) >= -1e-6 * total.cycles
        assert 0 < total.energy_j < math.inf and 0 < total.cycles < 2**62
        assert 0 <= total.utilization <= 1 + 1e-9
