"""Compute cycles of a systolic array against SCALE-Sim's, layer by layer.

    python -m tests.benchmarks.against_scalesim [FILE ...] [--speed TABLE]

A FILE is a SCALE-Sim run in the columns of `measurements/scalesim/*.csv` of the development data
(the default: all of them), and its name says the array: `<network>__<ws|os|is><rows>[x<cols>]_*`.
Its rows give the layers as SCALE-Sim took them. The hardware is `hardware/scale-sim.yaml`; what is
compared is the time that a layer holds the array in the Report of `simulate`. SCALE-Sim's totals
count from 0, so they are one less than its number of cycles.

`--speed` counts a whole network (default: ResNet-50 of the development data, where it is) in a warm
process and prints the CPU time beside the 198 to 755 s that SCALE-Sim 3.0.0 takes for it.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from npusim import api
from npusim.hardware.schema import Hardware
from tests.benchmarks.against_rtl_systolic import HERE
from tests.benchmarks.silicon import Compared, table

SHARED = Path(os.environ.get("NPUSIM_SHARED", HERE.parents[2] / "shared"))
MEASURED = SHARED / "data" / "measurements" / "scalesim"
RESNET50 = SHARED / "data" / "scalesim_topologies" / "Resnet50.csv"
SCALE_SIM_CPU_S = (198.0, 755.0)
"""What SCALE-Sim 3.0.0 takes for ResNet-50, least and most of several arrays."""
DATAFLOWS = {"ws": "weight_stationary", "os": "output_stationary", "is": "input_stationary"}
HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
    "Num Filter, Strides,\n"
)
_COLUMNS = ("ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filters", "stride_h")


class Array(NamedTuple):
    """What the name of a run says."""

    dataflow: str
    rows: int
    cols: int


def array_of(file: Path) -> Array:
    """The array of a run by the file's name; one number stands for a square."""
    found = re.search(r"__(ws|os|is)(\d+)(?:x(\d+))?(?:_|$)", file.stem)
    if not found:
        raise SystemExit(f"{file.name}: the name does not say an array, such as __ws128_")
    name, rows, cols = found.groups()
    return Array(DATAFLOWS[name], int(rows), int(cols or rows))


def hardware_of(array: Array) -> Hardware:
    """The description for one array; `drain` is about output stationary and refused elsewhere."""
    overrides: dict[str, object] = {
        "mac_array.rows": array.rows,
        "mac_array.cols": array.cols,
        "mac_array.dataflows": [array.dataflow],
    }
    if array.dataflow == "output_stationary":
        overrides["mac_array.load_idle_rows"] = False
    else:
        overrides["mac_array.drain.beat"] = "row"
    return api.load_hardware(HERE / "hardware" / "scale-sim.yaml", overrides)


def compared(file: Path) -> list[Compared]:
    """Every layer of a SCALE-Sim run."""
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    with tempfile.TemporaryDirectory() as folder:
        layers = Path(folder) / "layers.csv"
        layers.write_text(HEADER + "".join(_line(row) for row in rows))
        report = api.simulate(layers, hardware_of(array_of(file)))
    busy = {layer.name: layer.array_busy_cycles for layer in report.layers}
    return [
        Compared(
            f"{file.stem.removesuffix('_calc')} {row['layer_name']}",
            int(row["total_cycles"]) + 1,
            busy[_name(row)],
        )
        for row in rows
    ]


def _name(row: dict[str, str]) -> str:
    """Names may be there twice in a table of SCALE-Sim's."""
    return f"{row['layer_id']} {row['layer_name'].strip()}"


def _line(row: dict[str, str]) -> str:
    return ",".join((_name(row), *(row[column] for column in _COLUMNS))) + ",\n"


def cpu_s(topology: Path, array: Array, repeat: int = 5) -> float:
    """CPU seconds of one `simulate` in a warm process, median."""
    model, hardware = api.load_model(topology), hardware_of(array)
    api.simulate(model, hardware)
    found = []
    for _ in range(repeat):
        start = time.process_time()
        api.simulate(model, hardware)
        found.append(time.process_time() - start)
    return statistics.median(found)


def main() -> None:
    """Print the comparison and the ratio of CPU times."""
    parser = argparse.ArgumentParser(description="compute cycles against SCALE-Sim")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--speed", type=Path, default=RESNET50)
    given = parser.parse_args()
    rows = [row for file in given.files or sorted(MEASURED.glob("*.csv")) for row in compared(file)]
    if rows:
        print(table(rows, "cycles"))
    if given.speed.exists():
        for array in (Array("weight_stationary", 128, 128), Array("output_stationary", 32, 32)):
            own = cpu_s(given.speed, array)
            least, most = (seconds / own for seconds in SCALE_SIM_CPU_S)
            print(
                f"{given.speed.stem}, {array.rows}x{array.cols} {array.dataflow}: {own:.4f} s of "
                f"CPU; SCALE-Sim takes {least:.0f} to {most:.0f} times as long"
            )


if __name__ == "__main__":
    main()
