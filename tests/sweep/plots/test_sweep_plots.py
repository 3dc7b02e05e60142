"""Plots of a sweep: what they show is what the table holds, whatever the space looks like."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.report.plots import image_of
from npusim.sweep.summary import Summary, summary
from tests.support.designs import FIELDS, OBJECTIVES, UNITS, designs

pytest.importorskip("matplotlib")

from npusim.sweep.plots import KINDS, figure_of, heat_map


@pytest.fixture(scope="module")
def found() -> Summary:
    return summary(designs(), FIELDS, OBJECTIVES, UNITS)


def test_the_page_has_all_kinds(found: Summary) -> None:
    page = figure_of(found)
    titles = [axes.get_title(loc="left") for axes in page.axes]
    assert [title for title in titles if title] == [
        "Designs and their front", "Best latency, ms, over all other fields",
        "From fields to objectives",
    ]  # fmt: skip


def test_the_same_summary_gives_the_same_bytes(found: Summary) -> None:
    first, second = (image_of(figure_of(found, "scatter"), ".svg") for _ in range(2))
    assert first == second


def test_the_scatter_shows_every_feasible_point_once_and_the_knee(found: Summary) -> None:
    axes, bar = figure_of(found, "scatter").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latency, ms", "energy, mJ")
    assert bar.get_ylabel() == "area, mm²"
    others, front, knee = (np.asarray(one.get_offsets()) for one in axes.collections)
    assert len(others) + len(front) == found.feasible
    assert front == pytest.approx(_pairs(found, list(found.front)))
    assert knee == pytest.approx(_pairs(found, [found.knee]))


def _pairs(found: Summary, rows: list[int]) -> np.ndarray:
    """Latency in ms and energy in mJ."""
    return 1e3 * np.stack([found.columns[name][rows] for name in OBJECTIVES[:2]], axis=1)


@pytest.mark.parametrize("maximised", [False, True])
def test_the_line_of_a_front_stays_on_what_is_reached(maximised: bool) -> None:
    columns = {**designs(), "tops_per_watt": 1 / designs()["energy_j"]}
    names = ("tops_per_watt", "area_mm2") if maximised else ("latency_s", "area_mm2")
    (line,) = figure_of(summary(columns, FIELDS, names), "scatter").axes[0].lines
    assert line.get_drawstyle() == ("steps-pre" if maximised else "steps-post")


def test_a_cell_of_the_heat_map_is_the_best_of_all_its_points(found: Summary) -> None:
    axes = heat_map.figure(found, "energy_j", FIELDS[:2]).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("rows", "cols")
    shown = np.asarray(axes.images[0].get_array())
    columns = found.columns
    sizes = (16, 32, 64, 128)
    for (up, rows), (across, cols) in itertools.product(enumerate(sizes), repeat=2):
        cell = (columns[FIELDS[0]] == rows) & (columns[FIELDS[1]] == cols)
        assert shown[up, across] == pytest.approx(1e3 * np.nanmin(columns["energy_j"][cell]))


def test_cells_without_a_feasible_point_stay_empty(found: Summary) -> None:
    axes = heat_map.figure(found, "latency_s", ("memory.sram.size", FIELDS[0])).axes[0]
    assert np.isnan(np.asarray(axes.images[0].get_array(), np.float64)).sum() == 1
    assert "no feasible point" in axes.get_xlabel()
    assert next(text.get_text() for text in axes.get_yticklabels()) == "256 KiB"
    assert len(axes.texts) == 15


def test_the_heat_map_takes_the_fields_that_matter_most(found: Summary) -> None:
    shares = found.sensitivities["latency_s"].shares
    assert heat_map.chosen(found) == (shares[0].field, shares[1].field)
    rates = {**found.columns, "rate": np.linspace(0, 1, found.points)}
    many = summary(rates, (*FIELDS[:1], "rate"), OBJECTIVES)
    with pytest.raises(UsageError, match="two fields"):
        heat_map.chosen(many)


def test_parallel_coordinates_have_an_axis_for_each_field_and_objective(found: Summary) -> None:
    axes = figure_of(found, "parallel").axes[0]
    labels = [text.get_text().splitlines()[0] for text in axes.get_xticklabels()]
    assert labels == [
        "rows",
        "cols",
        "sram.size",
        "clock",
        "latency, ms",
        "energy, mJ",
        "area, mm²",
    ]
    others, front, knee = (len(lines.get_segments()) for lines in axes.collections)
    assert (others + front, front, knee) == (found.feasible, len(found.front), 1)
    written = {text.get_text() for text in axes.texts}
    assert {"256 KiB", "2 MiB", "1 GHz", "128"} <= written


@pytest.mark.parametrize("kind", KINDS)
def test_odd_spaces_can_be_drawn(kind: str) -> None:
    columns = {**designs(), "assume": np.array(["int8", "$x_1$"] * 64, object)}
    columns["latency_s"] = np.where(np.isnan(columns["latency_s"]), np.nan, 1.0)
    for objectives in (["latency_s"], ["latency_s", "energy_j"], ["accuracy", *OBJECTIVES]):
        columns["accuracy"] = columns["latency_s"] * 0
        odd = summary(columns, ("assume", *FIELDS), objectives, UNITS)
        assert image_of(figure_of(odd, kind), ".svg")


def test_one_field_has_no_heat_map_on_the_page() -> None:
    one = {name: column[:1] for name, column in designs().items()}
    page = figure_of(summary(one, FIELDS, OBJECTIVES, UNITS))
    assert sum(bool(axes.get_title(loc="left")) for axes in page.axes) == 2
    assert image_of(page, ".svg")


def test_what_cannot_be_drawn_is_refused(found: Summary) -> None:
    with pytest.raises(UsageError, match="did you mean 'scatter'"):
        figure_of(found, "scater")
    columns = designs()
    columns["latency_s"][:] = np.nan
    with pytest.raises(UsageError, match="none of 128 points is feasible"):
        figure_of(summary(columns, FIELDS, OBJECTIVES))
