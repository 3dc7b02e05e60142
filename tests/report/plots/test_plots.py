"""Plots as files and figures: every kind draws, the same bytes twice, whatever names hold."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from npusim.errors import UsageError
from npusim.report import Report
from npusim.report.plots import ENDINGS, KINDS, OVERVIEW, ending_of, figure_of, image_of
from tests.support.counted import conv_graph, report_of

pytest.importorskip("matplotlib")

SIGNATURES = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.mark.parametrize(
    ("kind", "ending"), [*(("memory", ending) for ending in ENDINGS), (OVERVIEW, ".svg")]
)
def test_the_same_report_gives_the_same_bytes(kind: str, ending: str) -> None:
    report = report_of()
    first, second = (image_of(figure_of(report, kind), ending) for _ in range(2))
    assert first.startswith(SIGNATURES[ending])
    assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_method_that_returns_its_figure(kind: str) -> None:
    from matplotlib.figure import Figure

    report = report_of()
    figure = getattr(report, f"plot_{kind}")()
    assert isinstance(figure, Figure)
    assert report.model.name in figure.axes[0].get_title(loc="left")


def test_the_page_has_all_four() -> None:
    page = report_of().plot()
    titles = [axes.get_title(loc="left") for axes in page.axes]
    assert [title for title in titles if title] == [
        "Cycles by cause", "Roofline", "Energy by part", "SRAM over time",
    ]  # fmt: skip


def test_a_notebook_shows_it_as_a_picture() -> None:
    assert report_of().plot_memory()._repr_png_().startswith(SIGNATURES[".png"])


@pytest.mark.parametrize("name", ["a $x_1$ \\frac", "模型", "x" * 300, "a\nb\x1b[2J", ""])
def test_any_name_can_be_drawn(name: str) -> None:
    report = report_of(graph=conv_graph(name=name))
    assert image_of(figure_of(report), ".svg")


def test_what_a_user_set_for_matplotlib_changes_nothing() -> None:
    import matplotlib

    usual = image_of(report_of().plot_energy(), ".svg")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "hatch.color": "red"}):
        assert image_of(report_of().plot_energy(), ".svg") == usual
        assert matplotlib.rcParams["font.size"] == 30


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'roofline'"):
        figure_of(report_of(), "rooflin")


@pytest.mark.parametrize("path", ["plot.jpg", "plot", "plot.png.gz", ".png"])
def test_other_endings_are_refused_with_the_known_ones(path: str) -> None:
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf"):
        ending_of(path)
    assert ending_of("PLOT.PNG") == ".png"


def test_without_matplotlib_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'npusim\[plot\]'"):
        report_of().plot_roofline()


def test_plots_need_no_window_and_no_pyplot() -> None:
    code = (
        "import sys; from npusim.report import plots; assert 'matplotlib' not in sys.modules; "
        "from npusim.report.plots import overview; assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _without_cost(report: Report) -> Report:
    """`report` of layers that cost nothing."""
    layers = tuple(
        dataclasses.replace(
            layer, macs=0, cycles=0.0, energy_j=0.0,
            cycles_by_cause=dict.fromkeys(layer.cycles_by_cause, 0.0),
            energy_j_by_part=dict.fromkeys(layer.energy_j_by_part, 0.0),
        )
        for layer in report.layers
    )  # fmt: skip
    total = dataclasses.replace(report.total, cycles=0, latency_s=0.0, sram_peak_bytes=0)
    return dataclasses.replace(report, layers=layers, total=total)


@pytest.mark.filterwarnings("error")
def test_a_report_of_nothing_can_be_drawn() -> None:
    report = report_of()
    for little in (
        _without_cost(report),
        dataclasses.replace(report, layers=(), sram_use=()),
        dataclasses.replace(report, layers=report.layers[:1], sram_use=()),
    ):
        assert image_of(figure_of(little), ".svg")
