"""Axelera's Metis: GEMM tiles and networks of the preset `axelera-metis` against measurements.

    python -m tests.benchmarks.against_metis [FILE]

FILE has the columns of `silicon.csv` of the development data, the default. A GEMM tile is one layer
with M vectors of K inputs and N outputs; what was measured is time on the device, so the host's
link is not in it. Networks are frames a second of several cores with frames of their own, end to
end with the host's work; here all cores work on one frame, and nothing was fitted to these rows.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from npusim import api
from tests.benchmarks.silicon import MEASURED, Compared, rows_of, table

SYSTEM = "axelera-metis"
SHAPE = re.compile(r"M(\d+) K(\d+) N(\d+)")
NETWORKS = {
    "ResNet-50 v1.0": "resnet-50",
    "ResNet-50 v1.5": "resnet-50",
    "MobileNetV2": "mobilenet-v2",
    "YOLOv8n": "yolov8n",
}
"""Networks of the rows that are built in, by their names there."""


def gemm_tiles(file: Path) -> Iterator[Compared]:
    """Milliseconds of every GEMM tile of `file` whose shape is stated."""
    for row in rows_of(file, SYSTEM, "latency_ms"):
        shape = SHAPE.fullmatch(row["input_shape"])
        if shape:
            m, k, n = map(int, shape.groups())
            yield Compared(f"GEMM M={m} K={k} N={n}", float(row["value"]), tile_ms(m, k, n))


def tile_ms(m: int, k: int, n: int) -> float:
    """Milliseconds of [m, k] x [k, n] on the device."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gemm.csv"
        path.write_text(f"name,m,k,n\ngemm,{m},{k},{n}\n")
        report = api.simulate(path, SYSTEM)
    link = report.total.cycles_by_cause["host_link"]
    return 1e3 * report.total.latency_s * (1.0 - link / report.total.cycles)


def networks(file: Path) -> Iterator[Compared]:
    """Frames a second of the networks of `file` that are built in."""
    simulated: dict[str, float] = {}
    for row in rows_of(file, SYSTEM, "fps"):
        name = NETWORKS.get(row["model"])
        if name:
            if name not in simulated:
                simulated[name] = api.simulate(name, SYSTEM).total.throughput_ips
            device = row["device"].split(",")[0]
            yield Compared(f"{row['model']} on {device}", float(row["value"]), simulated[name])


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description="Axelera's Metis against measurements")
    parser.add_argument("file", nargs="?", type=Path, default=MEASURED)
    file = parser.parse_args().file
    print(table(gemm_tiles(file), "ms"))
    print()
    print(table(networks(file), "frames/s"))


if __name__ == "__main__":
    main()
