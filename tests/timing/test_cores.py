"""Several cores: what meeting costs, what sharing saves."""

from __future__ import annotations

from npusim.timing.counts import Counts, count
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import program_of


def _counted(images: int = 1, **changes: object) -> Counts:
    """Two convolutions, 16 channels of 8 x 8 pixels each."""
    build = Build()
    x = build.input(images, 8, 8, 16)
    build.conv(build.conv(x, 16, (1, 1)), 16, (1, 1))
    return count(program_of(build.graph(), tiny(**changes)))


def test_cores_meet_before_each_operator() -> None:
    """Before the first one nobody waits for it: the first load takes longer."""
    without, counts = (_counted(cores=2, overheads__core_sync=f"{n} cycles") for n in (0, 15))
    assert without.cycles_by_cause["core_sync"] == 0
    assert counts.cycles - without.cycles == 15
    assert [step.cycles_by_cause["core_sync"] for step in counts.steps] == [0, 15]


def test_one_core_meets_nobody() -> None:
    assert _counted(overheads__core_sync="15 cycles").cycles == _counted().cycles


def test_four_images_on_four_cores_take_as_long_as_one_on_one() -> None:
    """The array alone: weights are read once for all, every core has an image."""
    one = _counted(cores=1)
    four = _counted(4, cores=4, mapping__core_splits=["B"])
    assert [step.array_busy_cycles for step in four.steps] == [
        step.array_busy_cycles for step in one.steps
    ]


def test_without_multicast_each_core_reads_its_own_weights() -> None:
    shared, own = (
        _counted(2, cores=2, mapping__core_splits=["B"], memory__sram__multicast=value)
        for value in (True, False)
    )
    more = [
        b.sram_read_bytes - a.sram_read_bytes for a, b in zip(shared.steps, own.steps, strict=True)
    ]
    assert more == [16 * 16, 16 * 16]
