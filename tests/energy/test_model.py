"""Energy of a Program: sums by hand, stated figures first, and silicon as a sanity check."""

from __future__ import annotations

import math
import pickle

import pytest

from npusim.energy import arithmetic
from npusim.energy.model import PARTS, Energy, energy_of
from npusim.frontend import load_model
from tests.support.counted import conv_graph, counted, counts_of, hardware_of, without_vector_op
from tests.support.shared import shared_path

STATED = tuple(
    f"technology.energy_per_action.{name}"
    for name in (
        "mac_int8=1 pJ", "sram_read_per_byte=2 pJ/B", "sram_write_per_byte=3 pJ/B",
        "dram_per_byte=50 pJ/B", "vector_op=5 pJ",
    )
)  # fmt: skip


def test_each_part_is_count_times_energy() -> None:
    counts, energy = counted(*STATED, "technology.static=1 W", "technology.node=45 nm")
    conv, add, view = energy.steps
    macs, outputs = 8 * 8 * 16 * 16 * 9, 8 * 8 * 16
    assert conv["mac"] == pytest.approx(macs * 1e-12)
    assert conv["postprocess"] == pytest.approx(outputs * (3.1 + 3 * 0.1) * 1e-12)
    assert add["vector"] == pytest.approx(outputs * 5e-12)
    assert add["mac"] == add["postprocess"] == conv["vector"] == 0.0
    for step, parts in zip(counts.steps, energy.steps, strict=True):
        sram = 2 * step.sram_read_bytes + 3 * step.sram_write_bytes
        assert parts["sram"] == pytest.approx(sram * 1e-12)
        moved = step.dram_read_bytes + step.dram_write_bytes
        assert parts["dram"] == pytest.approx(50 * moved * 1e-12)
        assert parts["static"] == pytest.approx(step.cycles / 500e6)
    assert set(view.values()) == {0.0}


def test_parts_steps_and_total_add_up() -> None:
    counts, energy = counted()
    everything = [value for step in (*energy.steps, energy.overhead) for value in step.values()]
    assert energy.total_j == pytest.approx(math.fsum(everything), rel=1e-12)
    assert tuple(energy.by_part) == PARTS
    latency_s = counts.cycles / 500e6
    assert energy.average_power_w == pytest.approx(energy.total_j / latency_s, rel=1e-12)
    table = counts.program.hardware.memory.dram.table
    assert table.background_w is not None
    background_j = table.background_w.value * latency_s
    assert energy.by_part["dram_background"] == pytest.approx(background_j, rel=1e-9)


def test_every_figure_says_where_it_comes_from() -> None:
    _, energy = counted()
    names = {figure.name for figure in energy.figures}
    assert names >= {"mac int8*int8", "sram_read", "sram_write", "dram", "requantization",
                     "vector add", "static", "dram_background", "area"}  # fmt: skip
    assert all(
        figure.source and figure.unit in ("pJ", "pJ/B", "W", "mm2") for figure in energy.figures
    )
    on_chip = [x for x in energy.figures if x.name not in ("dram", "dram_background")]
    assert {x.node_nm for x in on_chip} == {16.0}
    assert "vector softmax" not in names  # nothing used it


def test_a_stated_figure_wins_and_is_marked() -> None:
    _, energy = counted(*STATED)
    stated = {figure.name: figure for figure in energy.figures if figure.kind == "stated"}
    assert {name: figure.value for name, figure in stated.items()} == {
        "mac int8*int8": 1.0, "sram_read": 2.0, "sram_write": 3.0, "dram": 50.0, "vector add": 5.0,
    }  # fmt: skip
    assert "technology.energy_per_action.mac_int8" in stated["mac int8*int8"].source


@pytest.mark.parametrize(
    ("less", "more", "part"),
    [
        (("technology.static=10 mW",), ("technology.static=20 mW",), "static"),
        (("memory.dram.technology=lpddr5-6400",), ("memory.dram.technology=lpddr4-3200",), "dram"),
        (("technology.node=7 nm",), ("technology.node=28 nm",), "mac"),
        (("technology.node=7 nm",), ("technology.node=28 nm",), "sram"),
    ],
)
def test_more_expensive_actions_take_more_energy(
    less: tuple[str, ...], more: tuple[str, ...], part: str
) -> None:
    assert counted(*less)[1].by_part[part] < counted(*more)[1].by_part[part]


def test_twice_the_static_power_is_twice_the_static_energy_and_nothing_else() -> None:
    once, twice = (counted(f"technology.static={watts} W")[1].by_part for watts in (1, 2))
    assert twice["static"] == pytest.approx(2 * once["static"])
    assert {k: v for k, v in once.items() if k != "static"} == {
        k: v for k, v in twice.items() if k != "static"
    }


def test_a_memory_without_figures_is_named_not_counted_as_nothing() -> None:
    port = ("memory.dram.technology=sram_port", "memory.dram.bandwidth=2 GB/s",
            "memory.dram.latency=10 cycles", "memory.dram.burst=32 B")  # fmt: skip
    _, energy = counted(*port)
    assert energy.by_part["dram"] == 0.0
    assert "energy per byte of the second memory: no figure for sram_port" in energy.missing
    assert "background power of the second memory: no figure for sram_port" in energy.missing
    assert counted()[1].missing == ("energy of clock tree and array registers",)
    assert counted("technology.clock=1 mW")[1].missing == ()


def test_work_on_the_host_is_named() -> None:
    energy = energy_of(counts_of(conv_graph(), without_vector_op(hardware_of(), "add")))
    assert energy.by_part["vector"] == 0.0
    assert "energy of the host and of its memory traffic" in energy.missing


def test_energy_can_be_pickled() -> None:
    _, energy = counted()
    assert pickle.loads(pickle.dumps(energy)) == energy


def _chip_pj_per_mac(energy: Energy, at: int, macs: int) -> float:
    """Energy of step `at` on the chip itself, without DRAM."""
    parts = energy.steps[at]
    return sum(joules for part, joules in parts.items() if "dram" not in part) / macs * 1e12


ARITHMETIC_16NM_PJ = arithmetic.mac("int8", "int8", "int32", 16).value
WORST_CHIP_16NM_PJ = 1.25
"""Voltra (16 nm): 1.60 TOPS/W at its best point, whole system. Simba's best point is 0.22."""


def test_a_convolution_costs_what_16_nm_silicon_does() -> None:
    """More than its arithmetic alone, not more than the worst whole chip measured at that node."""
    counts, energy = counted(graph=conv_graph(size=16, channels=64, outputs=64))
    pj = _chip_pj_per_mac(energy, 0, counts.steps[0].issued_macs)
    assert ARITHMETIC_16NM_PJ < pj < WORST_CHIP_16NM_PJ


def test_every_wide_convolution_of_a_real_network_costs_what_16_nm_silicon_does() -> None:
    path = shared_path("data", "models", "mlperf_tiny_pretrainedResnet_quant.tflite")
    counts = counts_of(load_model(path), hardware_of())
    energy = energy_of(counts)
    wide = [at for at, step in enumerate(counts.steps) if step.issued_macs > 1e6]
    assert len(wide) == 6
    for at in wide:
        pj = _chip_pj_per_mac(energy, at, counts.steps[at].issued_macs)
        assert ARITHMETIC_16NM_PJ < pj < WORST_CHIP_16NM_PJ, counts.steps[at].step.name
