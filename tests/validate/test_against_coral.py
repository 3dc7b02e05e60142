"""Google's Edge TPU: every row that can be compared is, and the link is where it should be."""

from __future__ import annotations

import pytest

import npusim
from tests.benchmarks.against_coral import networks
from tests.support.shared import shared_path


def test_measured_networks_are_slower_than_what_is_published_of_the_chip_allows():
    """Nobody published what the driver and the host's call cost; it is less than the rest."""
    rows = list(networks(shared_path("data", "measurements", "silicon.csv")))
    assert len(rows) == 8
    assert all(row.measured / 2 < row.simulated < row.measured for row in rows)


@pytest.mark.parametrize("preset", ["edge-tpu", "edge-tpu-usb"])
def test_inputs_and_outputs_wait_for_the_link(preset):
    """A photo and 1,000 classes at 500 MB/s x 0.8; nothing else of MobileNet leaves the chip."""
    causes = npusim.simulate("mobilenet-v2", preset).total.cycles_by_cause
    data = (224 * 224 * 3 + 1000) / 400e6 * 480e6
    assert causes["wait_inputs"] == causes["wait_output_buffer"] == 0
    assert 0.5 * data < causes["host_link"] < 1.5 * data
