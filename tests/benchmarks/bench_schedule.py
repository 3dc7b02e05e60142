"""CPU time of one point of a design space: schedule search, event simulation and energy, warm.

    python -m tests.benchmarks.bench_schedule [RANDOM_POINTS]

Each point is another Hardware and the same graph, evaluated as a sweep does it. A preset is timed
three times and the least counts, after one run that compiles what is new; nothing that depends on
the preset alone is kept between these runs but what a sweep keeps. Random points are timed once
each, in a row, as a sweep meets them: the array sizes that they share are found once. `python` is
all that is neither the tile search nor the event simulation: lowering, residency, energy, totals.

Legal tilings are those that fit SRAM and accumulators, counted one by one, without bounds, for
every different layer on the array. Other tools' times are as published, for a single hardware: they
do different things.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import npusim
from npusim.api import Model, evaluate
from npusim.cost.machine import Machine, machine_of, packed
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.jit import compiled
from npusim.schedule import tiler
from npusim.schedule.buffers import set_buffers, sums_fit
from npusim.schedule.lower import lower
from npusim.schedule.plan import plan_of
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ARRAY
from npusim.timing import counts

PRESETS = ("tpu-like-128", "gemmini-16", "ethos-u55-128", "nvdla-nv-large", "edge-npu-1")
NETWORKS = ("resnet-50", "mobilenet-v2")
GOAL_MS = 2.0
GOAL_TILINGS = 3000
PUBLISHED_MS = {
    "MAESTRO, one given mapping": 70.0,
    "Vela, up to": 1000.0,
    "ZigZag, ResNet-18": 62_000.0,
    "ONNXim": 50_000.0,
    "SCALE-Sim, from": 198_000.0,
    "prototype of our own, toy model, from": 0.15,
    "prototype of our own, toy model, to": 0.6,
}
REPEATS = 3


@dataclass(frozen=True)
class Point:
    """CPU milliseconds of a point, by part; Programs that were simulated, jobs of the chosen one.

    `python_ms` is the time outside of the tile search and the engine.
    """

    name: str
    total_ms: float
    search_ms: float
    engine_ms: float
    programs: int
    jobs: int

    @property
    def python_ms(self) -> float:
        """What is left of the total."""
        return self.total_ms - self.search_ms - self.engine_ms


class Watch:
    """CPU seconds and results of functions that others call, by the part that they are of."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.results: dict[str, list[Any]] = {}

    def over(self, module: Any, name: str, part: str) -> None:
        """Time every call of `module.name` as a part of `part`."""
        function: Callable[..., Any] = getattr(module, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.thread_time()
            result = function(*arguments, **named)
            self.seconds[part] = self.seconds.get(part, 0.0) + time.thread_time() - start
            self.results.setdefault(part, []).append(result)
            return result

        setattr(module, name, timed)


def watched() -> Watch:
    """A watch over the tile search and the engine."""
    watch = Watch()
    watch.over(tiler, "tile_steps", "search")
    watch.over(tiler, "largest_tiles", "search")
    watch.over(counts, "simulate", "engine")
    return watch


def random_points(count: int, seed: int = 5) -> Iterator[tuple[str, Hardware]]:
    """Systolic arrays of other sizes, memories and bandwidths than tpu-like-128."""
    draw = random.Random(seed)
    for number in range(count):
        rows, kib, gb = 2 ** draw.randint(4, 7), 2 ** draw.randint(7, 13), draw.choice((8, 16, 32))
        changes = {
            "mac_array.rows": rows, "mac_array.cols": rows, "memory.sram.size": f"{kib} KiB",
            "memory.dram.bandwidth": f"{gb} GB/s",
        }  # fmt: skip
        name = f"{number}: {rows}, {kib} KiB, {gb} GB/s"
        yield name, npusim.load_hardware("tpu-like-128", changes)


def measured(name: str, model: Model, hardware: Hardware, watch: Watch) -> Point:
    """One run of one point."""
    watch.seconds.clear()
    watch.results.clear()
    start = time.thread_time()
    evaluate(model, hardware)
    total = time.thread_time() - start
    parts = (watch.seconds.get(part, 0.0) for part in ("search", "engine"))
    runs = watch.results["engine"]
    chosen = min((run for run in runs if run.complete), key=lambda run: run.cycles)
    jobs = int(chosen.counts["jobs"].sum())
    return Point(name, 1e3 * total, *(1e3 * part for part in parts), len(runs), jobs)


def least(name: str, model: Model, hardware: Hardware, watch: Watch) -> Point:
    """The least time of REPEATS runs of one point, after one that compiles what is new."""
    runs = [measured(name, model, hardware, watch) for _ in range(REPEATS + 1)]
    return min(runs[1:], key=lambda point: point.total_ms)


def legal_tilings(graph: Graph, hardware: Hardware) -> list[int]:
    """Legal tilings of each different layer on the array."""
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    found = []
    for at in plan_of(graph, rectangles=hardware.mac_array.blocks is not None).models:
        step = lowered.steps[at]
        if step.unit == ARRAY:
            row = lowered.table[at : at + 1].copy()
            space = space_of(step, row[0], hardware, machine, machine.sram_bytes)
            found.append(
                _legal(
                    row, lowered.operands, packed(machine), space.spatial, space.g, space.k,
                    space.c, space.dataflows, space.orders, len(space.splits), space.buffers,
                    machine.sram_bytes,
                )
            )  # fmt: skip
    return found


@compiled
def _legal(
    row: np.ndarray, operands: np.ndarray, machine: Machine, spatial: np.ndarray,
    groups: np.ndarray, outputs: np.ndarray, inputs: np.ndarray, dataflows: np.ndarray,
    orders: np.ndarray, splits: int, buffers: int, room_bytes: int,
) -> int:  # fmt: skip
    legal = 0
    step = row[0]
    for place in range(spatial.shape[0]):
        step["tile_b"], step["tile_oy"], step["tile_ox"] = spatial[place]
        for g in groups:
            for k in outputs:
                for c in inputs:
                    step["tile_g"], step["tile_k"], step["tile_c"] = g, k, c
                    for order in orders:
                        step["order"] = order
                        if set_buffers(step, operands, buffers) > room_bytes:
                            continue
                        for dataflow in dataflows:
                            step["dataflow"] = dataflow
                            if sums_fit(step, machine):
                                legal += splits
    return legal


def main() -> None:
    """Print a table a network, points per second, legal tilings, and what others publish."""
    extra = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    watch = watched()
    for network in NETWORKS:
        model = npusim.load_model(network)
        _print_presets(network, model, watch)
        if extra:
            middle = _print_random(extra, model, watch)
            if network == "resnet-50":
                _print_published(middle)
        _print_tilings(model.graph)


def _print_presets(network: str, model: Model, watch: Watch) -> None:
    print(f"\n{network}: CPU ms of a point (goal {GOAL_MS} ms)")
    print(f"{'point':28s} {'total':>8s} {'search':>8s} {'engine':>8s} {'python':>8s} "
          f"{'programs':>8s} {'jobs':>8s} {'points/s':>9s}")  # fmt: skip
    for name in PRESETS:
        point = least(name, model, npusim.load_hardware(name), watch)
        print(f"{name:28s} {point.total_ms:8.2f} {point.search_ms:8.2f} {point.engine_ms:8.2f} "
              f"{point.python_ms:8.2f} {point.programs:8d} {point.jobs:8d} "
              f"{1e3 / point.total_ms:9.0f}", flush=True)  # fmt: skip


def _print_random(extra: int, model: Model, watch: Watch) -> float:
    """Print what random points take; the median in ms."""
    points = [measured(*named, watch) for named in _with_model(extra, model)]
    times = sorted(point.total_ms for point in points)
    middle = statistics.median(times)
    met = sum(one <= GOAL_MS for one in times)
    print(f"{extra} random points: least {times[0]:.2f} ms, median {middle:.2f}, most "
          f"{times[-1]:.2f}; {met} within the goal; {1e3 * extra / sum(times):.0f} points/s "
          "a core")  # fmt: skip
    for part in ("search_ms", "engine_ms", "python_ms"):
        own = sorted(getattr(point, part) for point in points)
        print(f"  {part[:-3]}: median {statistics.median(own):.2f} ms, most {own[-1]:.2f}")
    judged = sorted(point.programs for point in points)
    print(f"  Programs simulated: median {statistics.median(judged):.0f}, most {judged[-1]}")
    return middle


def _with_model(extra: int, model: Model) -> Iterator[tuple[str, Model, Hardware]]:
    for name, hardware in random_points(extra):
        yield name, model, hardware


def _print_published(middle_ms: float) -> None:
    for name, published in PUBLISHED_MS.items():
        print(f"  {name}: {published:g} ms, {published / middle_ms:.3g} of ours")


def _print_tilings(graph: Graph) -> None:
    for name in PRESETS:
        tilings = legal_tilings(graph, npusim.load_hardware(name))
        enough = sum(one >= GOAL_TILINGS for one in tilings)
        print(f"legal tilings a layer on {name}: least {min(tilings)}, median "
              f"{statistics.median(tilings):.0f}, most {max(tilings)}; {enough} of {len(tilings)} "
              f"layers have {GOAL_TILINGS}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
