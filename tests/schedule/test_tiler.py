"""What searches of other hardware left in the memories never changes what a search finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npusim
from npusim import api
from npusim.errors import DoesNotFitError, UnsupportedModelError
from npusim.hardware.schema import Hardware
from npusim.schedule import tiler
from tests.support.graphs import graphs
from tests.support.machines import machines

CHANGES = {
    "memory.sram.size": ("64 KiB", "128 KiB", "512 KiB", "4 MiB"),
    "mac_array.rows": (8, 16, 24),
    "memory.dram.bandwidth": ("2 GB/s", "9 GB/s", "40 GB/s"),
    "memory.dram.latency": ("0 ns", "60 ns", "200 ns"),
    "clock": ("300 MHz", "1 GHz"),
}


@pytest.fixture
def emptied() -> Iterator[None]:
    """Memories that hold nothing of other tests."""
    forget()
    yield
    forget()


def forget() -> None:
    tiler._KEPT.clear()
    tiler._SHARED.clear()


def tables(model: api.Model, hardware: Hardware) -> list[bytes]:
    """The schedules for three objectives, as bytes; none on hardware that cannot run the model."""
    try:
        return [
            api.schedule(model, hardware, objective=objective).table.tobytes()
            for objective in ("latency", "energy", "edp")
        ]
    except (DoesNotFitError, UnsupportedModelError):
        return []


def assert_alone_and_in_turn_agree(model: api.Model, sequence: list[Hardware]) -> None:
    forget()
    in_turn = [tables(model, hardware) for hardware in sequence]
    for hardware, expected in zip(sequence, in_turn, strict=True):
        forget()
        assert tables(model, hardware) == expected


@pytest.mark.parametrize("preset", ["gemmini-16", "ethos-u55-128", "nvdla-nv-small"])
def test_points_of_a_design_space_are_scheduled_as_each_one_alone(preset, emptied):
    draw, model = np.random.default_rng(5), api.load_model("digits")
    known = npusim.load_hardware(preset)
    sequence = [known]
    for _ in range(6):
        changes = {name: draw.choice(values).item() for name, values in CHANGES.items()}
        if preset != "gemmini-16":
            del changes["mac_array.rows"]
        sequence.append(npusim.load_hardware(preset, changes))
    assert_alone_and_in_turn_agree(model, [*sequence, known])


@settings(max_examples=20, deadline=None)
@given(graphs(most_operators=2, most_extent=10), st.lists(machines(), min_size=2, max_size=4))
def test_any_hardware_is_scheduled_as_alone(graph, sequence):
    assert_alone_and_in_turn_agree(api.Model(graph), [*sequence, sequence[0]])


def test_hardware_that_differs_in_memories_alone_shares_what_searches_found(emptied):
    model = api.load_model("digits")
    for size in ("256 KiB", "1 MiB"):
        for bandwidth in ("1 GB/s", "30 GB/s"):
            changes = {"memory.sram.size": size, "memory.dram.bandwidth": bandwidth}
            api.evaluate(model, npusim.load_hardware("gemmini-16", changes))
    assert [len(kept) for kept in tiler._SHARED.values()] == [1]


def test_memories_are_bounded(emptied, monkeypatch):
    monkeypatch.setattr(tiler, "MOST_SHARED", 3)
    model = api.load_model("digits")
    for rows in range(8, 14):
        api.evaluate(model, npusim.load_hardware("gemmini-16", {"mac_array.rows": rows}))
    assert [len(kept) for kept in tiler._SHARED.values()] == [3]
