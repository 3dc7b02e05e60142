"""A report as labelled text: the rows that every human-readable writer shows, and their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from npusim.report.quantities import (
    BYTES,
    COUNT,
    ENERGY_J,
    FREQUENCY_HZ,
    POWER_W,
    Scale,
    decimals,
    percent,
    scale_for,
    shown,
    significant,
)
from npusim.report.types import Findings


@dataclass(frozen=True)
class Row:
    """One figure of the summary: label, value with its unit, and what explains it."""

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class Column:
    """One column of the layer table. Of `importance`, the lowest goes first when space is short."""

    header: str
    cells: tuple[str, ...]
    importance: int
    left: bool = False


def scaled(
    header: str, values: Sequence[float], scales: tuple[Scale, ...], importance: int
) -> Column:
    """A column of `values`, in base units, in the one unit that suits the least of them."""
    scale = scale_for(min((x for x in values if x > 0), default=0.0), scales)
    cells = decimals([x / scale.size for x in values])
    return Column(f"{header}, {scale.unit}", tuple(cells), importance)


def title(report: Findings) -> str:
    """What was simulated, in a line."""
    many = f", batch {report.batch}" if report.batch > 1 else ""
    goal = f", for {report.objective}" if report.objective != "latency" else ""
    return f"{printable(report.model.name)} on {printable(report.hardware.name)}{many}{goal}"


def printable(text: str) -> str:
    """`text` without what could move the cursor: names come from model files."""
    return "".join(char if char.isprintable() else "?" for char in text)


def totals(report: Findings) -> list[Row]:
    """The summary of `report`."""
    total, hardware = report.total, report.hardware
    peak = total.tops_peak.get(total.dominant_format, next(iter(total.tops_peak.values())))
    clock = shown(hardware.clock_hz, FREQUENCY_HZ)
    batch = f"a batch of {report.batch}" if report.batch > 1 else "an inference"
    moved = total.dram_read_bytes + total.dram_write_bytes
    rows = [
        Row("latency", _milliseconds(total.latency_s), f"{total.cycles:,} cycles at {clock}"),
        Row("first inference", _milliseconds(total.first_inference_s), "with nothing loaded"),
        Row("throughput", f"{significant(total.throughput_ips, 4)} /s", "inferences"),
        Row(
            "performance", f"{significant(total.tops_effective)} TOPS",
            f"of {significant(peak)} peak {total.dominant_format}, 1 MAC = 2 ops",
        ),
        Row("utilization", percent(total.utilization), f"{_macs(report)} MACs"),
        Row("energy", shown(total.energy_j, ENERGY_J), batch),
        Row("average power", shown(total.average_power_w, POWER_W)),
        Row("efficiency", f"{significant(total.tops_per_watt)} TOPS/W"),
        Row("area", f"{significant(total.area_mm2)} mm2", _kind(report, "area")),
        Row(
            "DRAM traffic", shown(moved, BYTES),
            f"read {shown(total.dram_read_bytes, BYTES)}, "
            f"written {shown(total.dram_write_bytes, BYTES)}",
        ),
        Row("SRAM peak", shown(total.sram_peak_bytes, BYTES),
            f"of {shown(hardware.sram_bytes, BYTES)}"),
    ]  # fmt: skip
    return rows + ([_accuracy(report.accuracy)] if report.accuracy else [])


def _milliseconds(seconds: float) -> str:
    return f"{significant(1e3 * seconds)} ms"


def _macs(report: Findings) -> str:
    return shown(report.model.macs, COUNT)


def _kind(report: Findings, name: str) -> str:
    return next((figure.kind for figure in report.figures if figure.name == name), "")


def _accuracy(accuracy: Mapping[str, object]) -> Row:
    """The accuracy over a labelled set; what else is said of it follows the figure."""
    rest = {key: value for key, value in accuracy.items() if key != "accuracy"}
    if isinstance(rest.get("correct"), int) and isinstance(rest.get("samples"), int):
        remark = f"{rest['correct']} of {rest['samples']} right"
        among = rest.get("top5_accuracy")
        remark += f", top 5 {percent(among)}" if isinstance(among, float) else ""
    else:
        remark = ", ".join(f"{key} {value}" for key, value in rest.items())
    value = accuracy.get("accuracy")
    return Row("accuracy", percent(value) if isinstance(value, float) else str(value), remark)


def causes(report: Findings) -> list[tuple[str, float]]:
    """(cause, cycles) of what takes any time, most first."""
    found = [(name, cycles) for name, cycles in report.total.cycles_by_cause.items() if cycles]
    return sorted(found, key=lambda pair: -pair[1])


def parts(report: Findings) -> list[tuple[str, float]]:
    """(part, joules) of what takes any energy, most first."""
    found = [(name, joules) for name, joules in report.total.energy_j_by_part.items() if joules]
    return sorted(found, key=lambda pair: -pair[1])


def layer_cells(report: Findings) -> list[Column]:
    """The layer table, names first; one unit a column."""
    layers = report.layers
    energy = scale_for(max((x.energy_j for x in layers), default=0.0), ENERGY_J)
    cycles = report.total.cycles or 1

    def column(header: str, cells: list[str], importance: int, left: bool = False) -> Column:
        return Column(header, tuple(cells), importance, left)

    host = any(x.on == "host" for x in layers)
    mixed = len({x.format for x in layers if x.format}) > 1
    return [
        column("layer", telling([printable(x.name) for x in layers]), 100, True),
        column("op", [x.op for x in layers], 60, True),
        *([column("on", [x.on for x in layers], 70, True)] if host else []),
        *([column("format", [x.format or "" for x in layers], 68, True)] if mixed else []),
        column("MACs", [shown(x.macs, COUNT) if x.macs else "" for x in layers], 50),
        column("cycles", [f"{x.cycles:,.0f}" for x in layers], 90),
        column("%", [f"{100 * x.cycles / cycles:.1f}" for x in layers], 85),
        column("util %", [f"{100 * x.utilization:.1f}" if x.macs else "" for x in layers], 75),
        column("bound by", [x.bound_by for x in layers], 80, True),
        column("DRAM KiB", [_kib(x.dram_read_bytes + x.dram_write_bytes) for x in layers], 55),
        column("SRAM KiB", [_kib(x.sram_read_bytes + x.sram_write_bytes) for x in layers], 30),
        column(energy.unit, decimals([x.energy_j / energy.size for x in layers], 4), 65),
        column("dataflow", [(x.dataflow or "").replace("_", " ") for x in layers], 20, True),
    ]


def telling(names: list[str]) -> list[str]:
    """Names without what tells nothing: further aliases (`a;b;c`), a folder that most names share.

    Names that would become equal to another one are left whole.

    >>> telling(["net/conv/Relu;net/conv/bias", "net/add", "out"])
    ['conv/Relu', 'add', 'out']
    """
    first = [name.split(";")[0] or name for name in names]
    folders = Counter(name.split("/")[0] for name in first if "/" in name)
    folder, times = folders.most_common(1)[0] if folders else ("", 0)
    if 2 * times > len(names):
        first = [name.removeprefix(f"{folder}/") or name for name in first]
    used = Counter(first)
    return [short if used[short] == 1 else name for short, name in zip(first, names, strict=True)]


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f}" if size else ""
