"""The search finds the best tiling of every layer of real networks: an enumeration agrees."""

from __future__ import annotations

import numpy as np
import pytest

import npusim
from npusim.cost.machine import machine_of, packed
from npusim.hardware.presets import preset_names
from npusim.schedule.candidates import Space
from npusim.schedule.estimate import LATENCY, Objective
from npusim.schedule.lower import lower
from npusim.schedule.plan import plan_of
from npusim.schedule.ranking import least
from npusim.schedule.search import best_tiling
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST
from tests.schedule.test_search import combinations

MOST_TILINGS = 20_000


def assert_best_of_all(network: str, preset: str, shares: tuple[float, ...]) -> None:
    """Search and enumeration agree on each kind of layer in these shares of the SRAM."""
    graph, hardware = npusim.load_model(network).graph, npusim.load_hardware(preset)
    machine = machine_of(hardware)
    record, lowered = packed(machine), lower(graph, hardware, machine)
    bus = Objective(0, 1, 1.0 / machine.dram_bytes_per_cycle, 0.0, 1.0)
    searched = 0
    for at in plan_of(graph).models:
        step, row = lowered.steps[at], lowered.table[at]
        if step.unit in (ALIAS, HOST):
            continue
        for share in shares:
            space: Space = space_of(step, row, hardware, machine, int(share * machine.sram_bytes))
            if combinations(space) > MOST_TILINGS:
                continue
            for objective in (LATENCY, bus):
                own, other = np.array([row])[0], np.array([row])[0]
                expected = least(own, lowered.operands, record, space, objective, 1)[0, 0]
                found = best_tiling(other, lowered.operands, record, space, objective)
                assert found.cost == pytest.approx(expected, rel=1e-12), step.name
                searched += 1
    assert searched > 20


@pytest.mark.parametrize("preset", ["tpu-like-128", "gemmini-16", "ethos-u85-2048"])
def test_every_layer_of_a_network_gets_its_best_tiling(preset):
    assert_best_of_all("mobilenet-v2", preset, (0.3,))


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mobilenet-v2", "resnet-50"])
@pytest.mark.parametrize("preset", preset_names())
def test_every_layer_of_a_network_gets_its_best_tiling_on_every_preset(preset, network):
    assert_best_of_all(network, preset, (1.0, 0.3, 0.05))
