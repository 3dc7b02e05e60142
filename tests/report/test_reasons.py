"""Reasons of a difference: the rows of each table add up to it."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from npusim.report import Report
from npusim.report.difference import Difference, difference
from npusim.report.quantities import ENERGY_J, TIME_S
from npusim.report.reasons import LARGEST_SHARE, print_reasons
from npusim.report.side_by_side import Comparison
from tests.support.counted import conv_graph, report_of

PRESETS = ("edge-npu-1", "ethos-u55-128", "ethos-u65-512")
UNITS = {scale.unit: scale.size for scale in (*TIME_S, *ENERGY_J)}


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [report_of(preset=preset) for preset in PRESETS]


def printed(found: Difference, most: int = 2, width: int = 100) -> str:
    file = io.StringIO()
    print_reasons(found, most, Console(file=file, width=width, highlight=False))
    return file.getvalue()


def changes(table: str) -> list[float]:
    """The column `change` of a printed table, in base units."""
    header, *rows = table.splitlines()
    unit = header.split(", ")[1].split()[0]
    end = header.index("change") + len("change")
    return [float(row[:end].split()[-1].replace(",", "")) * UNITS[unit] for row in rows]


@pytest.mark.parametrize("most", [1, 2, 50])
def test_every_table_adds_up_to_the_whole_difference(reports: list[Report], most: int) -> None:
    before, after = reports[:2]
    _, *tables = printed(difference(before, after), most).strip().split("\n\n")
    assert [table.split(",")[0] for table in tables] == [
        "time by cause", "time by layer", "energy by part", "energy by layer",
    ]  # fmt: skip
    latency = after.total.latency_s - before.total.latency_s
    energy = after.total.energy_j - before.total.energy_j
    for table, whole in zip(tables, (latency, latency, energy, energy), strict=True):
        found = changes(table)
        assert len(found) <= most + 1
        # four digits of the largest number are printed
        assert math.fsum(found) == pytest.approx(whole, abs=2e-3 * max(map(abs, found)))


def test_the_largest_changes_come_first(reports: list[Report]) -> None:
    tables = printed(difference(*reports[:2]), 3).strip().split("\n\n")[1:]
    for table in tables:
        *sizes, _ = (abs(change) for change in changes(table))
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (0, 2)])
def test_shares_are_left_out_where_parts_cancel(
    reports: list[Report], pair: tuple[int, int]
) -> None:
    found = difference(reports[pair[0]], reports[pair[1]])
    for table in printed(found).strip().split("\n\n")[1:]:
        sizes = changes(table)
        cancels = max(map(abs, sizes)) > LARGEST_SHARE * abs(math.fsum(sizes))
        assert ("share" in table) != cancels
        if not cancels:
            shares = [float(row.split()[-2]) for row in table.splitlines()[1:]]
            assert math.fsum(shares) == pytest.approx(100, abs=0.05 * len(shares))


def test_equal_reports_have_no_reasons(reports: list[Report]) -> None:
    text = printed(difference(reports[0], reports[0]))
    assert "latency +0 ns (x 1.00)" in text
    assert len(text.strip().splitlines()) == 1


def test_each_model_is_compared_with_its_own_first_hardware(reports: list[Report]) -> None:
    other = conv_graph(size=16, name="larger")
    several = [*reports, *(report_of(graph=other, preset=preset) for preset in PRESETS[:2])]
    found = Comparison(tuple(several)).differences
    pairs = [(one.after.model.name, one.before.hardware.name, one.after.hardware.name)
             for one in found]  # fmt: skip
    first = PRESETS[0]
    assert pairs == [
        ("hand-made", first, PRESETS[1]), ("hand-made", first, PRESETS[2]),
        ("larger", first, PRESETS[1]),
    ]  # fmt: skip
    text = str(Comparison(tuple(several)))
    assert "larger, ethos-u55-128 against edge-npu-1" in text
    assert "\n\n\n" not in text
    assert Comparison((several[0],)).differences == ()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits_the_terminal(reports: list[Report], width: int) -> None:
    text = printed(difference(*reports[:2]), 5, width)
    assert max(map(len, text.splitlines())) <= width
