"""Eyeriss's mapper: the published mappings of AlexNet, and what they depend on."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from npusim.cost.machine import machine_of
from npusim.hardware.loader import load_hardware
from npusim.schedule.fixed import Mapping, StepMapping
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.row_mapper import best_rows, movement_of, with_own_tiles
from tests.benchmarks.against_eyeriss import NETWORKS, Measured, graph_of

CHIP = load_hardware("eyeriss-v1")
MACHINE = machine_of(CHIP)
TABLE_III = {
    "CONV1": (1, 96, 1, 7),
    "CONV2": (1, 64, 2, 27),
    "CONV3": (4, 64, 6, 13),
    "CONV4": (4, 64, 6, 13),
    "CONV5": (4, 64, 6, 13),
}
"""n, m, q r and e of JSSC 52(1), 2017; CONV3 as its traffic says (see `row_mapper.py`)."""


def lowered(layer: str) -> Lowered:
    return lower(graph_of([Measured("AlexNet", layer, 4, 0.5, {})]), CHIP, MACHINE)


@pytest.mark.parametrize("layer", NETWORKS["AlexNet"])
def test_mappings_of_alexnet_are_the_published_ones(layer: str) -> None:
    row = lowered(layer).table[0]
    found = best_rows(row, (16, 16, 16), MACHINE.array, movement_of(CHIP))
    assert tuple(int(value) for value in found) == TABLE_III[layer]


def test_leakage_decides_no_mapping_within_its_range() -> None:
    """From half to one and a half of the leakage that is assumed, AlexNet is mapped the same."""
    movement = movement_of(CHIP)
    for layer, factor in itertools.product(("CONV1", "CONV2"), (0.6, 1.5)):
        other = movement._replace(cycle_pj=factor * movement.cycle_pj)
        row = lowered(layer).table[0]
        assert tuple(best_rows(row, (16, 16, 16), MACHINE.array, other)) == TABLE_III[layer]


def test_what_a_mapping_file_fixes_stays() -> None:
    own = StepMapping(tile=(1, 1, 16, 1, 1, 13))
    fixed = with_own_tiles(lowered("CONV3"), CHIP, MACHINE, Mapping({"CONV3": own}))
    assert fixed.of("CONV3") == own


def test_hardware_without_a_mapper_is_searched() -> None:
    plain = load_hardware("eyeriss-v1", ["mapping.mapper=null"])
    mapping = Mapping()
    assert with_own_tiles(lowered("CONV3"), plain, MACHINE, mapping) is mapping


def test_nothing_fits_a_memory_of_one_bank() -> None:
    row = lowered("CONV1").table[0]
    movement = movement_of(CHIP)._replace(banks=1)
    assert tuple(best_rows(row, (16, 16, 16), MACHINE.array, movement)) == (0, 0, 0, 0)


def test_zeros_do_not_change_a_mapping() -> None:
    """A layer is mapped by its shape: the same tiles whatever its data are."""
    tiles = []
    for share in (0.0, 0.9):
        graph = graph_of([Measured("AlexNet", "CONV5", 4, share, {})])
        fixed = with_own_tiles(lower(graph, CHIP, MACHINE), CHIP, MACHINE, Mapping())
        tiles.append(fixed.of("CONV5").tile)
    assert tiles[0] == tiles[1] is not None
    assert np.prod([size or 1 for size in tiles[0]]) > 1
    assert dataclasses.is_dataclass(fixed)
