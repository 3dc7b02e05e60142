"""Explanations: their numbers are those of simulations that anybody can repeat."""

from __future__ import annotations

import json
import re

import pytest

import npusim
from npusim.errors import UsageError
from npusim.explain import explain

MODEL, HARDWARE = "digits", "ethos-u55-128"


@pytest.fixture(scope="module")
def network():
    return explain(MODEL, HARDWARE)


@pytest.fixture(scope="module")
def layer(network):
    costliest = max((x for x in network.report.layers if x.tile), key=lambda x: x.cycles)
    return explain(MODEL, HARDWARE, costliest.name)


def test_it_explains_the_run(network):
    assert network.report == npusim.simulate(MODEL, HARDWARE)
    assert network.layer is None
    assert network.tilings == ()
    assert any("utilization" in text or "peak" in text for text in network.words)


def test_an_effect_is_a_simulation_of_the_changed_hardware(network):
    for effect in network.effects:
        changed = npusim.load_hardware(HARDWARE, [f"{effect.path}={effect.after}"])
        other = npusim.simulate(MODEL, changed)
        ratio = other.total.latency_s / network.report.total.latency_s
        assert effect.latency == pytest.approx(ratio, rel=1e-12), effect.path
        ratio = other.total.energy_j / network.report.total.energy_j
        assert effect.energy == pytest.approx(ratio, rel=1e-12), effect.path


def test_effects_are_sorted_by_what_they_bring(network):
    latencies = [effect.latency for effect in network.effects]
    assert latencies == sorted(latencies)


def test_effects_on_a_layer_are_sorted_by_what_they_bring_to_it(layer):
    ratios = [effect.layer for effect in layer.effects]
    assert ratios == sorted(ratios)
    assert min(ratios) < 1


def test_the_chosen_tiling_is_the_layers_own(layer):
    chosen = layer.tilings[0]
    assert chosen.tile == layer.layer.tile
    assert chosen.dataflow == layer.layer.dataflow
    assert chosen.network_cycles == layer.report.total.cycles
    assert chosen.layer_cycles == pytest.approx(layer.layer.cycles)


def test_runners_up_cost_otherwise_and_are_sorted(layer):
    cycles = [tiling.network_cycles for tiling in layer.tilings[1:]]
    assert cycles == sorted(cycles)
    assert layer.tilings[0].network_cycles not in cycles


def test_a_part_of_a_name_is_enough_if_it_tells(network):
    names = [layer.name for layer in network.report.layers]
    alone = next(name for name in names if sum(name[:-1] in other for other in names) == 1)
    assert explain(MODEL, HARDWARE, alone[:-1]).layer.name == alone
    with pytest.raises(UsageError, match="part of"):
        explain(MODEL, HARDWARE, "o")
    with pytest.raises(UsageError, match=f"no layer 'nothing'.* are '{re.escape(names[0])}'"):
        explain(MODEL, HARDWARE, "nothing")


def test_the_document_is_plain_json(layer):
    document = json.loads(json.dumps(layer.to_dict()))
    assert document["schema"] == "npusim.explain/1"
    assert document["layer"]["name"] == layer.layer.name
    assert document["losses"][0]["cause"] == "compute"
