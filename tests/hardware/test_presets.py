"""The shipped presets: sound, sourced, and equal to the figures that they cite."""

from __future__ import annotations

import re

import pytest
import yaml

from npusim.hardware import load_description, load_hardware, preset_names
from npusim.hardware.presets import preset_path


def test_the_presets_of_this_version_are_there() -> None:
    assert {"edge-npu-1", "ethos-u55-128", "ethos-u65-512"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_under_its_own_name_and_every_number_has_a_source(name: str) -> None:
    description = load_description(name)
    assert description.hardware.name == name
    assert description.hardware.description
    assert [value.path for value in description.unsourced()] == []
    assert sum(value.is_number for value in description.values) > 20


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_its_schema_and_cites_each_of_its_sources(name: str) -> None:
    text = preset_path(name).read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    cited = {
        key.strip() for found in re.findall(r"# \[([^\]]+)\]", text) for key in found.split(",")
    }
    stated = yaml.safe_load(text)
    assert set(stated.get("sources", ())) <= cited
    assert cited - {"free"} <= set(load_hardware(name).sources)


def tops(name: str) -> float:
    hardware = load_hardware(name)
    return 2 * hardware.peak_macs_per_cycle() * hardware.clock_hz / 1e12


def test_the_default_preset_is_of_the_1_tops_class() -> None:
    assert tops("edge-npu-1") == 1.024
    assert load_hardware("edge-npu-1").dram_peak_bytes_per_s == 4266e6 * 16 / 8


def test_ethos_u_presets_give_the_published_rates() -> None:
    """MACs per cycle x 2 x clock, and port width x clock scale x clock of the system configs."""
    assert tops("ethos-u55-128") == 2 * 128 * 0.5e9 / 1e12
    assert tops("ethos-u65-512") == 2 * 512 * 1e9 / 1e12
    u55, u65 = load_hardware("ethos-u55-128"), load_hardware("ethos-u65-512")
    assert u55.memory.sram.read_bytes_per_cycle * u55.clock_hz == 4e9
    assert u65.memory.sram.read_bytes_per_cycle * u65.clock_hz == 16e9
    assert u55.dram_bytes_per_s == 8 * 0.125 * 500e6
    assert u65.dram_bytes_per_s == 16 * 0.234375 * 1e9
    assert (u55.dram_latency_cycles, u65.dram_latency_cycles) == (64, 500)


def test_ethos_u_weights_arrive_as_fast_as_the_estimator_says() -> None:
    """wb = 32 ud / 8 cycles for a block of 32 x ud weights: 8 weights a cycle, whatever ud is."""
    for name in ("ethos-u55-128", "ethos-u65-512"):
        array = load_hardware(name).mac_array
        assert array.channel_block is not None
        block = array.channel_block * array.cols
        assert block / (32 * array.cols / 8) == array.weight_rate_per_cycle


def test_ethos_u_output_rates_are_the_inverse_of_cycles_per_element() -> None:
    u55, u65 = load_hardware("ethos-u55-128"), load_hardware("ethos-u65-512")
    assert 1 / u55.output_stage.elements_per_cycle == 0.5
    assert 1 / (u65.cores * u65.output_stage.elements_per_cycle) == 0.125
    assert 1 / u55.vector_unit.rates["add"] == pytest.approx(1.5, rel=1e-12)
    assert 1 / (u65.cores * u65.vector_unit.rates["add"]) == pytest.approx(0.375, rel=1e-12)
