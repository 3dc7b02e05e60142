"""Scratchpads, hops and gated zeros: figures, counts, and what a report says of unknown zeros."""

from __future__ import annotations

import dataclasses

import pytest

from npusim.energy import scratchpads
from npusim.energy.model import Energy, energy_of
from npusim.hardware.loader import load_hardware
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.timing.counts import Counts, count
from tests.support.counted import conv_graph, hardware_of
from tests.support.programs import program_of


def with_zeros(graph: Graph, share: float | None) -> Graph:
    """`graph` with a share of zeros in every tensor that is no constant."""
    tensors = {
        name: tensor if tensor.is_constant else dataclasses.replace(tensor, zeros=share)
        for name, tensor in graph.tensors.items()
    }
    return dataclasses.replace(graph, tensors=tensors)


def run(hardware: Hardware, zeros: float | None) -> tuple[Counts, Energy]:
    counts = count(program_of(with_zeros(conv_graph(), zeros), hardware))
    return counts, energy_of(counts)


def test_ratios_to_a_16_bit_mac() -> None:
    """ISCA 2016 at 65 nm; the MAC is 16-bit multiply and add."""
    access, hop = scratchpads.scratchpad_access(65), scratchpads.hop(65)
    assert hop.value == pytest.approx(2 * access.value)
    assert access.value == pytest.approx(1.048, abs=0.002)
    assert "ISCA 2016" in access.source


def test_accesses_of_a_mac() -> None:
    assert scratchpads.accesses(100, 0.0, 7) == 407
    assert scratchpads.accesses(100, 1.0, 7) == 107
    assert scratchpads.accesses(100, 0.575, 0) / 400 == pytest.approx(1 - 0.43, abs=0.002)


def test_scratchpads_cost_what_their_counts_say() -> None:
    counts, energy = run(load_hardware("eyeriss-v1"), None)
    step, parts = counts.steps[0], energy.steps[0]
    assert step.array_hops > 0 and step.scratchpad_fills > 0
    accesses = 4 * step.issued_macs + step.scratchpad_fills
    hops = step.array_hops + step.scratchpad_fills
    assert parts["scratchpad"] == pytest.approx((accesses * 1.048 + hops * 2.096) * 1e-12)
    assert parts["clock"] == pytest.approx(0.174 * step.cycles / 200e6)


def test_zeros_save_energy_and_no_cycle() -> None:
    hardware = load_hardware("eyeriss-v1", ["dma.run_length=null"])
    (dense, before), (sparse, after) = run(hardware, 0.0), run(hardware, 0.75)
    assert dense.cycles == sparse.cycles
    assert after.steps[0]["mac"] == pytest.approx(0.25 * before.steps[0]["mac"])
    assert after.steps[0]["scratchpad"] < before.steps[0]["scratchpad"]


def test_any_array_may_gate_and_says_where_zeros_are_unknown() -> None:
    gating = hardware_of("mac_array.zero_gating=true")
    (_, unknown), (_, known) = run(gating, None), run(gating, 0.5)
    assert known.steps[0]["mac"] == pytest.approx(0.5 * unknown.steps[0]["mac"])
    assert any("gating of zeros in 1 of 1 layers" in text for text in unknown.missing)
    assert not any("gating" in text for text in known.missing)


def test_an_array_that_does_not_gate_pays_for_zeros() -> None:
    plain = hardware_of()
    assert run(plain, 0.5)[1].steps == run(plain, None)[1].steps
