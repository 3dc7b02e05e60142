"""Reports side by side: metrics down, hardware across; with several models a matrix a metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console

from npusim.report.layers import bound_by
from npusim.report.names import shortened
from npusim.report.quantities import BYTES, ENERGY_J, POWER_W, Scale, scale_for, significant
from npusim.report.summary import Column, printable
from npusim.report.terminal import GAP, print_line, table

if TYPE_CHECKING:
    from npusim.report.report import Report


@dataclass(frozen=True)
class Metric:
    """One row: its label, the number in a report, and the units that it may be shown in."""

    label: str
    value: Callable[[Report], float]
    scales: tuple[Scale, ...]


_MILLISECONDS = (Scale("ms", 1e-3),)
_PERCENT = (Scale("%", 1e-2),)


def _plain(unit: str) -> tuple[Scale, ...]:
    return (Scale(unit, 1.0),)


METRICS = (
    Metric("latency", lambda report: report.total.latency_s, _MILLISECONDS),
    Metric("first inference", lambda report: report.total.first_inference_s, _MILLISECONDS),
    Metric("throughput", lambda report: report.total.throughput_ips, _plain("/s")),
    Metric("performance", lambda report: report.total.tops_effective, _plain("TOPS")),
    Metric(
        "peak", lambda report: report.total.tops_peak[report.total.dominant_format], _plain("TOPS")
    ),
    Metric("utilization", lambda report: report.total.utilization, _PERCENT),
    Metric("energy", lambda report: report.total.energy_j, ENERGY_J),
    Metric("average power", lambda report: report.total.average_power_w, POWER_W),
    Metric("efficiency", lambda report: report.total.tops_per_watt, _plain("TOPS/W")),
    Metric("area", lambda report: report.total.area_mm2, _plain("mm2")),
    Metric(
        "DRAM traffic",
        lambda report: report.total.dram_read_bytes + report.total.dram_write_bytes,
        BYTES,
    ),
    Metric("SRAM peak", lambda report: report.total.sram_peak_bytes, BYTES),
)
MATRIX_METRICS = ("latency", "energy", "efficiency", "utilization")
NAMES_AT_MOST = 24


def print_comparison(reports: Sequence[Report], console: Console) -> None:
    """Print `reports`: one model on several hardware, or every model on every hardware."""
    models = list(dict.fromkeys(report.model.name for report in reports))
    if len(models) <= 1:
        _print_columns(reports, console)
    else:
        for metric in METRICS:
            if metric.label in MATRIX_METRICS:
                _print_matrix(metric, models, reports, console)


def _scale(metric: Metric, reports: Sequence[Report]) -> Scale:
    """One unit for a metric, by the geometric middle of its values."""
    values = [value for report in reports if (value := metric.value(report)) > 0]
    middle = math.exp(math.fsum(map(math.log, values)) / len(values)) if values else 0.0
    return scale_for(middle, metric.scales)


def _print_columns(reports: Sequence[Report], console: Console) -> None:
    labels, cells = [], []
    for metric in METRICS:
        scale = _scale(metric, reports)
        labels.append(f"{metric.label}, {scale.unit}")
        cells.append([significant(metric.value(x) / scale.size) for x in reports])
    labels.append("most cycles go to")
    cells.append([bound_by(x.total.cycles_by_cause) for x in reports])
    for model in dict.fromkeys(report.model.name for report in reports):
        print_line(printable(model), "bold", console)
    columns = [
        Column(_short(report.hardware.name, console), tuple(row[at] for row in cells), 1)
        for at, report in enumerate(reports)
    ]
    _print_in_width(Column("", tuple(labels), 1, True), columns, console)


def _print_matrix(
    metric: Metric, models: Sequence[str], reports: Sequence[Report], console: Console
) -> None:
    values = {(x.model.name, x.hardware.name): metric.value(x) for x in reports}
    scale = _scale(metric, reports)
    print_line(f"{metric.label}, {scale.unit}", "bold", console)
    columns = []
    for hardware in dict.fromkeys(report.hardware.name for report in reports):
        found = [values.get((model, hardware)) for model in models]
        cells = ["-" if value is None else significant(value / scale.size) for value in found]
        columns.append(Column(_short(hardware, console), tuple(cells), 1))
    names = tuple(shortened(printable(model), 2 * NAMES_AT_MOST) for model in models)
    _print_in_width(Column("", names, 1, True), columns, console)
    console.print()


def _short(name: str, console: Console) -> str:
    return shortened(printable(name), NAMES_AT_MOST, console.options.ascii_only)


def _print_in_width(names: Column, columns: Sequence[Column], console: Console) -> None:
    """As many columns at a time as fit beside the names; the rest follows below."""
    longest = max(cell_len(text) for text in names.cells)
    names_width = min(longest, max(NAMES_AT_MOST, console.width // 3))
    block: list[Column] = []
    used = names_width
    for column in columns:
        width = GAP + max(cell_len(text) for text in (column.header, *column.cells))
        if block and used + width > console.width:
            console.print(table([names, *block], used, console.options.ascii_only))
            console.print()
            block, used = [], names_width
        block.append(column)
        used += width
    console.print(table([names, *block], min(used, console.width), console.options.ascii_only))
