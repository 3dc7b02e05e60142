"""The shipped presets: sound, sourced, and equal to the figures that they cite."""

from __future__ import annotations

import re

import pytest
import yaml

from npusim.energy import arithmetic
from npusim.energy.sram import LEAKAGE_W_PER_KIB
from npusim.hardware import load_description, load_hardware, preset_names
from npusim.hardware.presets import preset_path

PUBLISHED = {
    # Arm: MACs per cycle of each configuration, 0.512 TOPS for 256 at 1 GHz; system at 500 MHz
    "ethos-u55-32": (0.032, 0.0), "ethos-u55-64": (0.064, 0.0),
    "ethos-u55-128": (0.128, 0.0), "ethos-u55-256": (0.256, 0.0),
    # Arm: "1 TOPS" for 512 MACs at 1 GHz
    "ethos-u65-256": (0.512, 0.0), "ethos-u65-512": (1.0, 0.03),
    # Arm: 256 GOPS to 4 TOPS at 1 GHz
    "ethos-u85-128": (0.256, 0.0), "ethos-u85-256": (0.512, 0.0), "ethos-u85-512": (1.0, 0.03),
    "ethos-u85-1024": (2.0, 0.03), "ethos-u85-2048": (4.0, 0.03),
    # coral.ai: 4 TOPS at int8
    "edge-tpu": (4.0, 0.02), "edge-tpu-usb": (4.0, 0.02),
    # Axelera, ISSCC 2024: 52.4 TOPS a core, 209.6 TOPS
    "axelera-metis": (209.6, 0.001),
    # nvdla.org, primer: 64, 256 and 2048 MACs at 1 GHz
    "nvdla-nv-small": (0.128, 0.0), "nvdla-nv-small-256": (0.512, 0.0),
    "nvdla-nv-large": (4.096, 0.0),
    # Jouppi et al., ISCA 2017: 92 TOPS, of which this is a quarter
    "tpu-like-128": (92 / 4, 0.003),
    # ucb-bar/gemmini: 16 x 16, at the clock that the preset assumes
    "gemmini-16": (2 * 256 * 1e9 / 1e12, 0.0),
    # Chen et al., JSSC 2017: 33.6 GMAC/s at 200 MHz and 1 V
    "eyeriss-v1": (2 * 33.6e9 / 1e12, 0.0),
}  # fmt: skip
"""Peak TOPS at int8 as published (one MAC is two operations), and how far it is rounded there."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_peak_is_the_published_one(name: str) -> None:
    published, rounding = PUBLISHED[name]
    assert tops(name) == pytest.approx(published, rel=max(rounding, 1e-12))


def test_the_presets_of_this_version_are_there() -> None:
    assert set(preset_names()) == {"edge-npu-1", "edge-npu-1-mixed", *PUBLISHED}


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


def test_numbers_in_names_sort_by_their_value() -> None:
    names = [name for name in preset_names() if name.startswith("ethos-u55")]
    assert names == ["ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256"]


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


U55_CYCLES = {
    # MACs: add, mul, default, LUT, relu: output cycles per element of ethos-u-vela 5.2.0
    32: (6, 3, 2, 1, 1), 64: (3, 1.5, 1, 1, 1),
    128: (1.5, 0.75, 0.5, 1, 0.5), 256: (0.75, 0.375, 0.25, 1, 0.25),
}  # fmt: skip


@pytest.mark.parametrize("macs", U55_CYCLES)
def test_ethos_u55_rates_follow_the_table_of_output_cycles(macs: int) -> None:
    """An activation costs the longer of its own cycles and those of the output."""
    add, mul, default, lut, relu = U55_CYCLES[macs]
    hardware = load_hardware(f"ethos-u55-{macs}")
    rates = hardware.vector_unit.rates
    assert hardware.peak_macs_per_cycle() == macs
    assert 1 / hardware.output_stage.elements_per_cycle == default
    assert 1 / rates["add"] == pytest.approx(add, rel=1e-12)
    assert 1 / rates["mul"] == pytest.approx(mul, rel=1e-12)
    assert 1 / rates["max"] == default
    assert 1 / rates["lut"] == max(lut, default)
    assert 1 / rates["relu"] == max(relu, default)


@pytest.mark.parametrize("macs", [128, 256, 512, 1024, 2048])
def test_ethos_u85_follows_the_size_of_its_array(macs: int) -> None:
    """8-bit output cycles of ethos-u-vela 5.2.0: 0.5 for 128 MACs, half of it each time it doubles;
    4 x max(4, taps) cycles pool a block of macs / 8 outputs."""
    hardware = load_hardware(f"ethos-u85-{macs}")
    rates = hardware.vector_unit.rates
    assert hardware.peak_macs_per_cycle() == macs
    assert 1 / hardware.output_stage.elements_per_cycle == 64 / macs
    assert rates["pool"] == macs / 8 / 4
    assert rates["copy"] == macs / 8 / 16
    assert rates["div"] == pytest.approx(1 / 33)
    assert hardware.dram_bytes_per_s == 16 * 0.75 * 1e9


@pytest.mark.parametrize(
    ("name", "atomic_c", "atomic_k", "banks", "entries", "width"),
    [
        ("nvdla-nv-small", 8, 8, 32, 512, 8),
        ("nvdla-nv-small-256", 32, 8, 32, 128, 32),
        ("nvdla-nv-large", 64, 32, 16, 512, 64),
    ],
)
def test_nvdla_presets_are_their_spec_files(
    name: str, atomic_c: int, atomic_k: int, banks: int, entries: int, width: int
) -> None:
    """MAC_ATOMIC_C/K_SIZE and CBUF_BANK_NUMBER, _DEPTH and _WIDTH of nvdla/hw spec/defs."""
    hardware = load_hardware(name)
    sram = hardware.memory.sram
    assert (hardware.mac_array.rows, hardware.mac_array.cols) == (atomic_c, atomic_k)
    assert (sram.banks, sram.size_bytes) == (banks, banks * entries * width)
    assert hardware.mac_array.weight_rate_per_cycle == width
    assert sram.read_bytes_per_cycle == 2 * width
    assert ("lut" in hardware.vector_unit.rates) == (name == "nvdla-nv-large")


def test_eyeriss_energies_keep_the_published_ratios() -> None:
    """Chen et al., ISCA 2016: global buffer 6, DRAM 200, scratchpad 1, hop 2 MACs a 16-bit word."""
    stated = load_hardware("eyeriss-v1").technology.energy_pj
    multiply = 4 * arithmetic.operation("int8_mult", 65).value
    mac = multiply + arithmetic.operation("int32_add", 65).value / 2
    for action in ("sram_read_per_byte", "sram_write_per_byte"):
        assert stated[action] == pytest.approx(6 * mac / 2, rel=1e-3)
    assert stated["dram_per_byte"] == pytest.approx(200 * mac / 2, rel=1e-3)
    assert stated["scratchpad_access"] == pytest.approx(mac, rel=1e-3)
    assert stated["array_hop"] == pytest.approx(2 * mac, rel=1e-3)


def test_eyeriss_powers_are_those_that_their_sources_derive() -> None:
    """Registers of the scratchpads clocked at Aladdin's energy a bit; leakage as `silicon.py`."""
    hardware = load_hardware("eyeriss-v1")
    register_bits = 16 * (12 + 24)
    elements = hardware.mac_units
    clock_w = register_bits * elements * 0.009e-12 * hardware.clock_hz
    assert hardware.technology.clock_w == pytest.approx(clock_w, rel=0.01)
    mac_w = 50e-6 * (16 / 32) ** 2 + 2.3e-6 + 80 * 0.07e-6
    leakage_w = 181.5 * LEAKAGE_W_PER_KIB + mac_w * elements
    assert hardware.technology.static_w == pytest.approx(leakage_w, rel=0.02)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_has_a_host_for_what_it_has_no_unit_for(name: str) -> None:
    assert load_hardware(name).host.flops_per_s
