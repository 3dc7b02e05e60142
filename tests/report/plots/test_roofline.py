"""Roofline: points by hand, and none above a roof."""

from __future__ import annotations

import dataclasses

import pytest

from npusim.frontend import load_model
from npusim.models.bundled import bundled_model_path
from npusim.report import Report
from tests.support.counted import report_of

pytest.importorskip("matplotlib")

from npusim.report.plots import roofline


def _roof(report: Report, intensity: float | None) -> float:
    peak = report.total.tops_peak[report.total.dominant_format]
    if intensity is None:
        return peak
    return min(peak, intensity * report.hardware.dram_bytes_per_s / 1e12)


@pytest.mark.parametrize("preset", ["edge-npu-1", "ethos-u55-128", "ethos-u65-512"])
@pytest.mark.parametrize("override", ["clock=450 MHz", "dma.outstanding=64", "clock=2 GHz"])
def test_no_layer_is_above_a_roof(preset: str, override: str) -> None:
    for graph in (None, load_model(bundled_model_path())):
        report = report_of(override, graph=graph, preset=preset)
        points = roofline.points_of(report)
        assert points
        for point in points:
            assert 0 < point.tops <= _roof(report, point.intensity) * (1 + 1e-9)


def test_a_point_by_hand() -> None:
    report = report_of()
    layer = next(x for x in report.layers if x.name == "conv")
    layer = dataclasses.replace(
        layer, macs=5_000_000, cycles=1e5, array_busy_cycles=2 * 10**5, dram_read_bytes=3000,
        dram_write_bytes=1000,
    )  # fmt: skip
    report = dataclasses.replace(report, layers=(layer,))
    (point,) = roofline.points_of(report)
    assert point.intensity == 1e7 / 4000
    assert point.tops == pytest.approx(1e7 / (2e5 / 500e6) / 1e12)
    assert point.share == pytest.approx(1e5 / report.total.cycles)


def test_a_layer_without_dram_traffic_stands_at_the_edge() -> None:
    report = report_of()
    layers = [dataclasses.replace(x, dram_read_bytes=0, dram_write_bytes=0) for x in report.layers]
    report = dataclasses.replace(report, layers=tuple(layers))
    assert [point.intensity for point in roofline.points_of(report)] == [None]
    (axes,) = roofline.figure(report).axes
    assert "no DRAM traffic" in axes.get_xlabel()


def test_layers_without_macs_are_not_points_and_it_is_said() -> None:
    report = report_of()
    assert [point.name for point in roofline.points_of(report)] == ["conv"]
    (axes,) = roofline.figure(report).axes
    assert "not shown: layers without MACs" in axes.get_xlabel()
    alone = [layer for layer in report.layers if not layer.macs]
    assert roofline.figure(dataclasses.replace(report, layers=tuple(alone))).axes
