"""Network totals of the Ethos-U presets against the estimates of Arm's compiler, Vela.

    python -m tests.benchmarks.against_vela [MODEL.tflite ...] [--layers] [--summaries FOLDER]

Without models: the quantized ones of the development data. Vela (`ethos-u-vela` 5.2.0, the extra
`bench`) runs in a folder of its own for each model and setting; --summaries takes what it wrote
before instead (FOLDER/<accelerator>/<model>/*_summary_*.csv and *_per-layer.csv). Both count cycles
of the NPU alone: no driver, no host.

Vela is an estimate itself. Where npusim differs, it is for these reasons, which are kept:

- Layers overlap: weights of the next layer come while this one computes, on all presets. Vela adds
  up layers that each take the longest of their parts, and prefetches weights in slack alone.
- An AXI port reads and writes at once; Vela adds both directions of the SRAM up.
- Blocks of depthwise layers on Ethos-U85 come from the same rule as all others; Vela fits their
  area first. They cover the same outputs in other shapes.
- Ethos-U85 chains an addition to the convolution before it; here it is a layer of its own.
- Cascades run on Ethos-U55 and U85. On U65 Vela's stripes read a large input twice from the DRAM
  (MobileNetV2: 1.7 million cycles in the first layer), which costs most of what they save; npusim's
  block reads it once, so with cascades it would be 23 to 40 % below, and they are off.
- In int8 MobileNetV2 Vela leaves the converted input in DRAM, because buffers of its stripes take
  the SRAM; here it stays there, so the first layer takes 0.4 million cycles less on U85.
- Softmax is one operation at a rate; Vela runs some 26 small ones, each with its own latency.
- The code of weights is counted on whole tensors; Vela codes the slices of a layer one by one.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from npusim.api import load_hardware, load_model, simulate
from npusim.report.report import Report
from tests.support.shared import shared_path


class Setting(NamedTuple):
    """What Vela is asked for, to agree with a preset."""

    preset: str
    accelerator: str
    system: str
    memory_mode: str


SETTINGS = (
    Setting("ethos-u55-128", "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    Setting("ethos-u55-256", "ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    Setting("ethos-u65-512", "ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram_384KB"),
    Setting("ethos-u85-512", "ethos-u85-512", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB"),
)

MODELS = (
    "mlperf_tiny_ad01_int8", "mlperf_tiny_kws_ref_model", "mlperf_tiny_pretrainedResnet_quant",
    "mlperf_tiny_vww_96_int8", "mobilenet_v2_1.0_224_quant", "tf2_mobilenet_v2_1.0_224_ptq",
)  # fmt: skip
"""The quantized models of the development data."""


class Row(NamedTuple):
    """One network on one NPU, cycles."""

    model: str
    preset: str
    vela: float
    simulated: float

    @property
    def error_percent(self) -> float:
        """How much npusim is above Vela."""
        return 100 * (self.simulated / self.vela - 1)


class Pair(NamedTuple):
    """A layer of npusim and what Vela gives the operations that it became."""

    name: str
    operation: str
    vela: float
    simulated: float


def has_vela() -> bool:
    """True if the compiler is installed beside npusim."""
    return find_spec("ethosu") is not None


def run_vela(model: Path, setting: Setting, folder: Path) -> Path:
    """Compile `model`; the folder with the CSV files of that run."""
    out = folder / setting.accelerator / model.stem
    command = [
        sys.executable, "-m", "ethosu.vela", str(model),
        "--accelerator-config", setting.accelerator, "--config", "Arm/vela.ini",
        "--system-config", setting.system, "--memory-mode", setting.memory_mode,
        "--output-dir", str(out), "--verbose-performance",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return out


def total_of(folder: Path) -> float:
    """Cycles of the network in the summary that Vela wrote to `folder`."""
    (summary,) = folder.glob("*_summary_*.csv")
    with summary.open(newline="") as file:
        return float(next(csv.DictReader(file))["cycles_total"])


def operations_of(folder: Path) -> list[tuple[str, str, float]]:
    """(name of the result, operation, cycles) of each operation that takes any."""
    (listed,) = folder.glob("*_per-layer.csv")
    with listed.open(newline="") as file:
        rows = [
            (row["Name"], row["NNG Operator"], float(row["Op Cycles"]))
            for row in csv.DictReader(file)
        ]
    return [row for row in rows if row[2] > 0]


def pairs(report: Report, operations: Sequence[tuple[str, str, float]]) -> Iterator[Pair]:
    """Layers beside the operations whose results have their names, the longest name first."""
    names = sorted((layer.name for layer in report.layers), key=len, reverse=True)
    cycles: dict[str, float] = {}
    for name, _, taken in operations:
        owner = next((one for one in names if name.startswith(one)), "(not matched)")
        cycles[owner] = cycles.get(owner, 0.0) + taken
    for layer in report.layers:
        yield Pair(layer.name, layer.op, cycles.pop(layer.name, 0.0), layer.cycles)
    for name, taken in cycles.items():
        yield Pair(name, "", taken, 0.0)


def compared(
    models: Sequence[Path], summaries: Path | None = None
) -> Iterator[tuple[Row, Report, Path]]:
    """Each model in each setting: the totals, npusim's report, and the folder of Vela's files."""
    with tempfile.TemporaryDirectory() as own:
        for path in models:
            model = load_model(path)
            for setting in SETTINGS:
                if summaries is None:
                    folder = run_vela(path, setting, Path(own))
                else:
                    folder = summaries / setting.accelerator / path.stem
                report = simulate(model, load_hardware(setting.preset))
                row = Row(path.stem, setting.preset, total_of(folder), report.total.cycles)
                yield row, report, folder


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and per operator with --layers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--layers", action="store_true", help="cycles per operator, too")
    parser.add_argument("--summaries", type=Path, help="folder that Vela wrote before")
    given = parser.parse_args(arguments)
    if given.summaries is None and not has_vela():
        parser.error("ethos-u-vela is not installed (extra 'bench'): give --summaries FOLDER")
    models = given.models or [shared_path("data", "models", f"{name}.tflite") for name in MODELS]
    errors = []
    print(f"{'model':36} {'preset':14} {'vela':>10} {'npusim':>10} {'error %':>8}")
    for row, report, folder in compared(models, given.summaries):
        errors.append(row.error_percent)
        print(
            f"{row.model:36.36} {row.preset:14} {row.vela:10,.0f} {row.simulated:10,.0f} "
            f"{row.error_percent:+8.1f}"
        )
        if given.layers:
            for pair in pairs(report, operations_of(folder)):
                print(
                    f"    {pair.operation:20.20} {pair.vela:10,.0f} {pair.simulated:10,.0f} "
                    f"{pair.simulated - pair.vela:+10,.0f}  {pair.name[:60]}"
                )
    sizes = [abs(error) for error in errors]
    print(
        f"mean {statistics.mean(sizes):.1f} %, median {statistics.median(sizes):.1f} %, "
        f"worst {max(sizes):.1f} %"
    )


if __name__ == "__main__":
    main()
