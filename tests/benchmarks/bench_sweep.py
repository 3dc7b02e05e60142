"""Points a second of a whole sweep: ResNet-50 on random hardware, in worker processes.

    python -m tests.benchmarks.bench_sweep [POINTS] [WORKERS]

The space is array shape x SRAM x DRAM x clock around tpu-like-128, the points are drawn; everything
that `npusim sweep --store` does is timed: drawing, hardware, schedule search, event simulation,
energy, the store. The steady state begins when a tenth of the points is done. The memory is the
largest of this process, which writes the store, after a tenth and at the end. Other tools' times
are as published, for one hardware: they do different things.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import npusim
from npusim.sweep.engine import Progress
from npusim.sweep.local import default_workers
from tests.benchmarks.bench_schedule import PUBLISHED_MS

MODEL = "resnet-50"
GOAL = 1000.0
"""Points a second on two cores."""
SPACE: dict[str, Any] = {
    "hardware": "tpu-like-128",
    "vary": {
        "mac_array.rows": "16:256:x2",
        "mac_array.cols": "16:256:x2",
        "memory.sram.size": "512KiB:32MiB:x2",
        "memory.dram.technology": ["lpddr4x-4266", "lpddr5-6400", "hbm2e-3200"],
        "memory.dram.channels": [1, 2, 4],
        "clock": "300 MHz:1200 MHz:+100 MHz",
    },
}


class Watch:
    """When how many points were done, and what this process took by then."""

    def __init__(self, points: int) -> None:
        self._points = points
        self.first: tuple[float, int, int] | None = None
        self.last = (time.perf_counter(), 0, _peak_mib())

    def __call__(self, state: Progress) -> None:
        """Note how far the sweep is."""
        self.last = (time.perf_counter(), state.done, _peak_mib())
        if self.first is None and state.done >= self._points / 10:
            self.first = self.last


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(points: int, workers: int) -> None:
    """Run the sweep and print what it took."""
    space = {**SPACE, "sample": f"random:{points}", "objectives": ["latency", "energy", "area"]}
    watch = Watch(points)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "points.db"
        start = time.perf_counter()
        found = npusim.sweep(space, MODEL, store=store, workers=workers, told=watch)
        whole_s = time.perf_counter() - start
        assert watch.first is not None
        steady_s = watch.last[0] - watch.first[0]
        rate = (watch.last[1] - watch.first[1]) / steady_s
        print(f"{MODEL}, {points} points of {found.about.hardware}, {workers} processes")
        print(f"  points a second, steady state   {rate:10.0f}   (goal {GOAL:.0f})")
        print(f"  points a second, start included {points / whole_s:10.0f}")
        print(f"  of them                         {found.counts()}")
        print(f"  memory, writer, MiB             {watch.first[2]:10d} -> {watch.last[2]}")
        print(f"  store, bytes a point            {store.stat().st_size / points:10.0f}")
        found.close()
    print("one point, ms")
    print(f"  {'npusim, a process':38s} {1000 * workers / rate:10.2f}")
    for name, milliseconds in PUBLISHED_MS.items():
        if "prototype" not in name:
            print(f"  {name:38s} {milliseconds:10.0f}")


if __name__ == "__main__":
    measure(
        int(sys.argv[1]) if len(sys.argv) > 1 else 2000,
        int(sys.argv[2]) if len(sys.argv) > 2 else default_workers(),
    )
