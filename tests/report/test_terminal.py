"""Tables on a terminal: they fit, keep one line a layer, and are plain text off a terminal."""

from __future__ import annotations

import doctest
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from npusim.report import Report, names, quantities, summary
from npusim.report.summary import Column
from npusim.report.terminal import NAME_WIDTH, fitting, print_report
from tests.support.counted import conv_graph, report_of


def printed(report: Report, width: int, most: int | None = None, **console: object) -> str:
    """What a console of `width` shows."""
    file = io.StringIO()
    print_report(report, Console(file=file, width=width, highlight=False, **console), most)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(graph=conv_graph(name="a/long/path/of/names/from/a/framework/that/likes/them"))


@pytest.mark.parametrize("width", [20, 40, 72, 80, 100, 120, 160, 240])
def test_no_line_is_wider_than_the_console(report: Report, width: int) -> None:
    assert max(cell_len(line) for line in printed(report, width).splitlines()) <= width


@pytest.mark.parametrize("width", [40, 80, 160])
def test_every_layer_has_exactly_one_line(report: Report, width: int) -> None:
    lines = printed(report, width).splitlines()
    for layer in report.layers:
        assert sum(line.startswith(layer.name) for line in lines) == 1


def test_80_columns_show_what_matters(report: Report) -> None:
    text = printed(report, 80)
    for word in ("latency", "throughput", "TOPS/W", "energy", "1 MAC = 2 op", "cycles by cause",
                 "energy by part", "bound by", "util %", "unvalidated"):  # fmt: skip
        assert word in text, word
    assert f"{report.total.cycles:,} cycles" in text


def test_a_wide_console_shows_more_columns_and_fewer_lines(report: Report) -> None:
    narrow, wide = printed(report, 80), printed(report, 160)
    assert "SRAM KiB" in wide and "dataflow" in wide
    assert "dataflow" not in narrow
    assert len(wide.splitlines()) < len(narrow.splitlines())


def test_colours_appear_on_a_terminal_only(report: Report) -> None:
    assert "\x1b" not in printed(report, 80)
    on_terminal = printed(report, 80, force_terminal=True, color_system="standard")
    assert "\x1b[" in on_terminal


def test_the_slowest_layers_and_what_is_left_out(report: Report) -> None:
    text = printed(report, 80, most=1)
    slowest = max(report.layers, key=lambda layer: layer.cycles)
    share = 1 - slowest.cycles / report.total.cycles
    assert f"and 2 more layers with {100 * share:.1f} % of the cycles" in text
    assert slowest.name in text
    assert "more layers" not in printed(report, 80, most=3)


def test_names_cannot_move_the_cursor() -> None:
    text = printed(report_of(graph=conv_graph(name="red\x1b[31m\nnew [bold]line")), 80)
    assert "\x1b" not in text
    assert text.splitlines()[0] == "red?[31m?new [bold]line on edge-npu-1"


def _column(header: str, cell: str, importance: int) -> Column:
    return Column(header, (cell,), importance)


def test_the_least_important_columns_go_first_and_the_names_last() -> None:
    columns = [
        _column("name", "n" * 30, 100),
        _column("a", "1" * 10, 50),
        _column("b", "2" * 10, 40),
    ]

    def kept(width: int) -> list[str]:
        return [column.header for column in fitting(columns, width)]

    both = NAME_WIDTH + 2 * (10 + 2)
    assert kept(both) == ["name", "a", "b"]
    assert kept(both - 1) == ["name", "a"]
    assert kept(both - 13) == ["name"]
    assert kept(1) == ["name"]


@pytest.mark.parametrize("module", [names, quantities])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0 and result.failed == 0


def test_accuracy_is_shown_with_its_samples() -> None:
    import dataclasses

    base = report_of()
    counted = dataclasses.replace(
        base, accuracy={"accuracy": 0.902, "correct": 902, "samples": 1000}
    )
    assert summary.totals(counted)[-1] == summary.Row("accuracy", "90.2 %", "902 of 1000 right")
    other = dataclasses.replace(base, accuracy={"accuracy": 0.5, "metric": "mAP"})
    assert summary.totals(other)[-1].remark == "metric mAP"
    assert summary.totals(base)[-1].label == "SRAM peak"


@given(st.floats(1e-15, 1e15), st.integers(1, 6))
def test_significant_digits_are_right(value: float, digits: int) -> None:
    shown = float(quantities.significant(value, digits).replace(",", ""))
    if 1e-6 < value < 1e6:
        assert shown == pytest.approx(value, rel=10.0**-digits * 6, abs=1e-9)
