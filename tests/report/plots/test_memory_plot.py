"""SRAM over time: the areas are those of the report, below the capacity."""

from __future__ import annotations

import math

import pytest

from tests.support.counted import report_of

pytest.importorskip("matplotlib")

from npusim.report.plots import memory


def test_every_use_of_the_report_is_drawn() -> None:
    fields = set(vars(report_of().sram_use[0])) - {"layer", "cycles"}
    assert set(memory.HELD) == fields


@pytest.mark.parametrize("override", ["clock=500 MHz", "overheads.per_inference=0 s"])
def test_its_time_is_the_latency(override: str) -> None:
    report = report_of(override)
    assert math.fsum(use.cycles for use in report.sram_use) == pytest.approx(report.total.cycles)
    (axes,) = memory.figure(report).axes
    size = {"time, ms": 1e-3, "time, µs": 1e-6}[axes.get_xlabel()]
    assert axes.get_xlim()[1] * size == pytest.approx(report.total.latency_s)


def test_no_more_is_used_than_the_peak_of_the_report() -> None:
    for preset in ("edge-npu-1", "ethos-u55-128", "ethos-u65-512"):
        report = report_of(preset=preset)
        used = [
            sum(getattr(use, field) for field in memory.HELD) for use in report.sram_use
        ]  # fmt: skip
        assert max(used) == report.total.sram_peak_bytes <= report.hardware.sram_bytes


def test_the_stack_ends_at_what_is_used() -> None:
    report = report_of()
    (axes,) = memory.figure(report).axes
    top = max(
        vertex[1] for area in axes.collections for path in area.get_paths()
        for vertex in path.vertices
    )  # fmt: skip
    assert axes.get_ylabel() == "SRAM, KiB"
    assert top * 1024 == pytest.approx(report.total.sram_peak_bytes)
