"""A study of precisions on a terminal: a line a precision, then the claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from npusim.quantize.precisions.claims import Finding
from npusim.report.quantities import BYTES, ENERGY_J, TIME_S, decibels, decimals
from npusim.report.summary import Column, printable, scaled
from npusim.report.terminal import print_line, print_table

if TYPE_CHECKING:
    from npusim.quantize.precisions.study import PrecisionStudy, Row

INDENT = 2
VERDICTS = {"holds": "yes", "less": "no, less", "more": "no, more"}


def print_study(study: PrecisionStudy, console: Console) -> None:
    """Print `study`: its table, what the hardware lacks, and what the claims come to."""
    print_line(f"{printable(study.model)} on {printable(study.hardware)}", "bold", console)
    print_table(_columns(list(study.costed.values())), console)
    for row in study.rows:
        if row.reason:
            console.print(Text(f"{row.name}: {row.reason}", "dim"))
    for finding in study.findings:
        console.print()
        _print_finding(finding, console)


def _columns(rows: list[Row]) -> list[Column]:
    if not rows:
        return []
    return [
        Column("", tuple(row.name for row in rows), 10, left=True),
        Column("stored", tuple(row.pair for row in rows), 1, left=True),
        Column("runs as", tuple(row.runs_as or "" for row in rows), 3, left=True),
        Column("rate", tuple(f"{row.rate:g}" for row in rows), 4),
        scaled("weights", [row.weight_bytes for row in rows], BYTES, 5),
        scaled("DRAM", [row.dram_bytes for row in rows], BYTES, 6),
        scaled("latency", [_of(row, "latency_s") for row in rows], TIME_S, 9),
        scaled("energy", [_of(row, "energy_j") for row in rows], ENERGY_J, 8),
        Column("TOPS/W", tuple(decimals([_of(row, "tops_per_watt") for row in rows])), 7),
        *_quality(rows),
        Column("most time", tuple(_cause(row) for row in rows), 2, left=True),
    ]


def _quality(rows: list[Row]) -> list[Column]:
    """Columns of what was executed, as far as it was."""
    columns = [
        ("SQNR, dB", [_of_noise(row) for row in rows]),
        ("agree, %", [_share(row.agreement) for row in rows]),
        ("right, %", [_share(row.accuracy) for row in rows]),
    ]
    return [Column(header, tuple(cells), 7) for header, cells in columns if any(cells)]


def _of_noise(row: Row) -> str:
    return "" if row.sqnr_db is None else decibels(row.sqnr_db)


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _of(row: Row, name: str) -> float:
    return float(getattr(row.total, name))


def _cause(row: Row) -> str:
    assert row.total is not None
    causes = row.total.cycles_by_cause
    return max(causes, key=lambda cause: causes[cause]).replace("_", " ")


def _print_finding(finding: Finding, console: Console) -> None:
    """The claim, the figure under it, and indented what decides."""
    console.print(Text(f"{finding.claim}?", "bold"))
    details = [f"{finding.found:.3g} times{_verdict(finding)}", *finding.because]
    for text, style in (*((detail, "") for detail in details), (finding.source, "dim")):
        console.print(Padding(Text(text, style), (0, 0, 0, INDENT), expand=False))


def _verdict(finding: Finding) -> str:
    """Of a claim "up to" no figure says that it is wrong, unless it is more."""
    if finding.low == 0 and finding.verdict == "holds":
        return f", of up to {finding.high:g}"
    return f": {VERDICTS[finding.verdict]}"
