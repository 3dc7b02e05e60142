"""Reports side by side, and models against hardware."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from npusim.report import Report
from npusim.report.comparison import METRICS, print_comparison
from tests.support.counted import conv_graph, report_of

PRESETS = ("edge-npu-1", "ethos-u55-128", "ethos-u65-512")


def printed(reports: list[Report], width: int = 80) -> str:
    """What a console of `width` shows."""
    file = io.StringIO()
    print_comparison(reports, Console(file=file, width=width, highlight=False))
    return file.getvalue()


@pytest.fixture(scope="module")
def one_model() -> list[Report]:
    return [report_of(preset=preset) for preset in PRESETS]


def test_hardware_stands_side_by_side(one_model: list[Report]) -> None:
    title, header, *lines = printed(one_model).splitlines()
    assert title.strip() == "hand-made"
    assert header.split() == list(PRESETS)
    assert len(lines) == len(METRICS) + 1
    latency = next(line for line in lines if line.startswith("latency, ms")).split()[2:]
    for text, report in zip(latency, one_model, strict=True):
        assert float(text) == pytest.approx(1e3 * report.total.latency_s, rel=0.01)


def test_one_unit_a_row(one_model: list[Report]) -> None:
    energy = next(x for x in printed(one_model).splitlines() if x.startswith("energy, "))
    unit, *values = energy.removeprefix("energy, ").split()
    size = {"mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9}[unit]
    for text, report in zip(values, one_model, strict=True):
        joules = float(text.replace(",", "")) * size
        assert joules == pytest.approx(report.total.energy_j, rel=0.01)


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_what_does_not_fit_follows_below(one_model: list[Report], width: int) -> None:
    text = printed(one_model * 4, width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert text.count("edge-npu-1") == 4
    assert text.count("ethos-u65-512") == 4


def test_several_models_make_a_matrix_a_metric(one_model: list[Report]) -> None:
    other = conv_graph(size=16, name="larger")
    reports = [*one_model, *(report_of(graph=other, preset=preset) for preset in PRESETS[:2])]
    text = printed(reports)
    blocks = text.strip().split("\n\n")
    assert [block.split(",")[0] for block in blocks] == [
        "latency", "utilization", "energy", "efficiency",
    ]  # fmt: skip
    for block in blocks:
        _, header, first, second = block.splitlines()
        assert header.split() == list(PRESETS)
        assert first.startswith("hand-made") and second.startswith("larger")
        assert second.split()[-1] == "-"  # not simulated there


def test_nothing_to_compare_prints_no_error() -> None:
    assert "latency" in printed([report_of()])
