"""Google's Edge TPU: networks of the presets `edge-tpu` and `edge-tpu-usb` against measurements.

    python -m tests.benchmarks.against_coral [FILE]

FILE has the columns of `silicon.csv` of the development data, the default. Boards and desktops
whose host is not the limit are compared, in networks that are built in at the size that was
measured. All rows have the host's call and driver in them, of which nobody published a figure; no
free parameter was fitted to them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from npusim import api
from tests.benchmarks.silicon import MEASURED, Compared, rows_of, table

SYSTEM = "google-edgetpu"
PRESETS = {
    "Coral Dev Board (i.MX8M host)": "edge-tpu",
    "Coral USB Accelerator (USB3) on desktop CPU": "edge-tpu-usb",
    "Coral USB Accelerator on x86_64 host": "edge-tpu-usb",
}
NETWORKS = {
    "MobileNet v1": "mobilenet-v1",
    "MobileNet v2": "mobilenet-v2",
    "mobilenet_v1_1.0_224_quant": "mobilenet-v1",
    "mobilenet_v2_1.0_224_quant": "mobilenet-v2",
}
"""Networks of the rows that are built in, by their names there."""


def networks(file: Path) -> Iterator[Compared]:
    """Milliseconds of the networks of `file` that are built in."""
    for row in rows_of(file, SYSTEM, "latency_ms"):
        name, preset = NETWORKS.get(row["model"]), PRESETS.get(row["device"])
        if name and preset:
            report = api.simulate(name, preset)
            measured = float(row["value"])
            yield Compared(f"{name} on {preset}", measured, 1e3 * report.total.latency_s)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="Google's Edge TPU against measurements")
    parser.add_argument("file", nargs="?", type=Path, default=MEASURED)
    print(table(networks(parser.parse_args().file), "ms"))


if __name__ == "__main__":
    main()
