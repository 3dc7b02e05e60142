"""What `npusim quantize` did, on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from npusim.report.quantities import BYTES, percent, shown
from npusim.report.summary import Column, printable, telling
from npusim.report.terminal import print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.quantize import QuantizationReport
    from npusim.quantize.report import LayerReport


def print_quantization(
    report: QuantizationReport, output: str, console: Console, most: int | None
) -> None:
    """A summary, the `most` layers that add most noise (None: all), and what there is to know."""
    from rich.text import Text

    print_line(printable(f"{report.model}: {report.scheme}"), "bold", console)
    rows = _summary(report, output)
    label, value = (max(len(row[at]) for row in rows) for at in (0, 1))
    for name, text, remark in rows:
        line = Text(f"{name:<{label}}  ")
        line.append(f"{text:>{value}}", "bold").append(f"  {printable(remark)}", "dim")
        console.print(line, no_wrap=True, overflow="ellipsis")
    worst = report.worst[:most]
    print_table(_columns(worst), console)
    if len(report.layers) > len(worst):
        left = len(report.layers) - len(worst)
        console.print(Text(f"and {left} more layers that add less noise", "dim"))
    for note in (*report.notes, *_runtime_notes(report)):
        console.print(Text(printable(note), "dim"))


def _summary(report: QuantizationReport, output: str) -> list[tuple[str, str, str]]:
    """Label, value and remark of each figure."""
    share = report.weight_bytes / max(report.float_weight_bytes, 1)
    before = shown(report.float_weight_bytes, BYTES)
    rows = [("weights", shown(report.weight_bytes, BYTES), f"{percent(share)} of {before}")]
    if report.calibration_samples:
        how = f"samples, ranges by {report.range_method}" if report.range_method else "samples"
        rows.append(("calibration", f"{report.calibration_samples:,}", how))
    if report.sqnr_db is not None:
        samples = f"outputs, {report.judged_samples:,} samples"
        rows.append(("SQNR", _decibels(report.sqnr_db), samples))
    if report.agreement is not None:
        rows.append(("agreement", percent(report.agreement), "largest output where float32's is"))
    if report.accuracy is not None and report.float_accuracy is not None:
        was = percent(report.float_accuracy["accuracy"])
        right = f"{report.accuracy['correct']:,} of {report.accuracy['samples']:,}; float32 {was}"
        rows.append(("accuracy", percent(report.accuracy["accuracy"]), right))
    if report.runtime is not None:
        found = report.runtime
        differ = f"{found.wrong:,} of {found.elements:,}" if found.wrong else "equal"
        most = f", by {found.largest:.3g} at most" if found.wrong else ""
        what = f"outputs differ{most}" if found.wrong else f"{found.elements:,} outputs"
        where = f"{found.version}, {found.settings}"
        rows.append(("ONNX Runtime", differ, f"{what}; {where}"))
    rows.append(("written", "", output))
    return rows


def _decibels(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"


def _columns(layers: tuple[LayerReport, ...]) -> list[Column]:
    if not layers:
        return []
    names = tuple(telling([printable(layer.name) for layer in layers]))
    return [
        Column("layer", names, 100, True),
        Column("op", tuple(layer.op for layer in layers), 50, True),
        Column("weights", tuple(layer.weights for layer in layers), 70, True),
        Column("output", tuple(layer.activations for layer in layers), 75, True),
        Column("alone", tuple(_decibels(layer.alone_db) for layer in layers), 95),
        Column("SQNR", tuple(_decibels(layer.sqnr_db) for layer in layers), 90),
        Column("seen", tuple(_range(layer.low, layer.high) for layer in layers), 60),
        Column("grid", tuple(_range(layer.grid_low, layer.grid_high) for layer in layers), 65),
        Column("saturated", tuple(percent(layer.saturated) for layer in layers), 80),
    ]


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3g}..{high:.3g}"


def _runtime_notes(report: QuantizationReport) -> list[str]:
    """Which nodes ONNX Runtime computes in float32."""
    names = report.float_in_runtime
    if not names:
        return []
    listed = ", ".join(f"'{name}'" for name in names[:6])
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return [f"ONNX Runtime computes in float32: {listed}{more}; --report lists them all"]
