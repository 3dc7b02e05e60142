"""CPU time of one point of a design space: schedule search, event simulation and energy, warm.

    python -m tests.benchmarks.bench_schedule [RANDOM_POINTS]

Each point is another Hardware and the same graph. A point is timed three times and the least
counts; nothing is kept between points but what depends on the graph. Legal tilings are those that
fit SRAM and accumulators, counted one by one, without bounds, for every different layer on the
array. Other tools' times are as published, for a single hardware: they do different things.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import npusim
from npusim.cost.machine import machine_of
from npusim.energy.model import energy_of
from npusim.energy.objective import judge_of
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.buffers import set_buffers, sums_fit
from npusim.schedule.lower import lower
from npusim.schedule.plan import plan_of
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.schedule.search import Space
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ARRAY
from npusim.timing.counts import count

PRESETS = ("tpu-like-128", "gemmini-16", "ethos-u55-128", "nvdla-nv-large", "edge-npu-1")
NETWORKS = ("resnet-50", "mobilenet-v2")
GOAL_MS = 2.0
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
    """CPU milliseconds of a point, by part, and how large its Program is."""

    name: str
    search_ms: float
    engine_ms: float
    count_ms: float
    programs: int
    jobs: int

    @property
    def total_ms(self) -> float:
        """All parts together."""
        return self.search_ms + self.engine_ms + self.count_ms


def random_points(count_: int, seed: int = 5) -> Iterator[tuple[str, Hardware]]:
    """Systolic arrays of other sizes, memories and bandwidths than tpu-like-128."""
    draw = random.Random(seed)
    for number in range(count_):
        rows, kib, gb = 2 ** draw.randint(4, 7), 2 ** draw.randint(7, 13), draw.choice((8, 16, 32))
        changes = {
            "mac_array.rows": rows, "mac_array.cols": rows, "memory.sram.size": f"{kib} KiB",
            "memory.dram.bandwidth": f"{gb} GB/s",
        }  # fmt: skip
        yield (
            f"{number}: {rows}, {kib} KiB, {gb} GB/s",
            npusim.load_hardware("tpu-like-128", changes),
        )


def measured(name: str, graph: Graph, hardware: Hardware) -> Point:
    """The least time of REPEATS runs of one point, after one that compiles what is new."""
    runs = [_once(name, graph, hardware) for _ in range(REPEATS + 1)]
    return min(runs[1:], key=lambda point: point.total_ms)


def _once(name: str, graph: Graph, hardware: Hardware) -> Point:
    inside = 0.0
    programs = 0
    latency = judge_of("latency")

    def judge(program: Program, limit: float) -> float:
        nonlocal inside, programs
        start = time.thread_time()
        cycles = latency(program, limit)
        inside += time.thread_time() - start
        programs += 1
        return cycles

    start = time.thread_time()
    program = build_program(graph, hardware, judge)
    built = time.thread_time()
    counts = count(program)
    energy_of(counts)
    end = time.thread_time()
    jobs = sum(step.jobs for step in counts.steps)
    parts = (built - start - inside, inside, end - built)
    return Point(name, *(1e3 * part for part in parts), programs, jobs)


def legal_tilings(graph: Graph, hardware: Hardware) -> list[int]:
    """Legal tilings of each different layer on the array."""
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    found = []
    for at in plan_of(graph).models:
        step = lowered.steps[at]
        if step.unit == ARRAY:
            row = lowered.table[at : at + 1].copy()
            space = space_of(step, row[0], hardware, machine, machine.sram_bytes)
            found.append(_legal(row, lowered.operands, machine, space))
    return found


def _legal(row, operands, machine, space: Space) -> int:  # type: ignore[no-untyped-def]
    legal = 0
    step = row[0]
    for b, oy, ox in space.spatial:
        step["tile_b"], step["tile_oy"], step["tile_ox"] = b, oy, ox
        for g in space.g:
            for k in space.k:
                for c in space.c:
                    step["tile_g"], step["tile_k"], step["tile_c"] = g, k, c
                    legal += _legal_orders(step, operands, machine, space)
    return legal


def _legal_orders(step, operands, machine, space: Space) -> int:  # type: ignore[no-untyped-def]
    legal = 0
    for order in space.orders:
        step["order"] = order
        if set_buffers(step, operands, space.buffers) > space.bytes:
            continue
        for dataflow in space.dataflows:
            step["dataflow"] = dataflow
            legal += len(space.splits) * int(sums_fit(step, machine))
    return legal


def main() -> None:
    """Print a table a network, then the ratios to what others publish."""
    extra = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for network in NETWORKS:
        graph = npusim.load_model(network).graph
        named = [(name, npusim.load_hardware(name)) for name in PRESETS]
        print(f"\n{network}: CPU ms of a point (goal {GOAL_MS} ms)")
        print(f"{'point':28s} {'total':>8s} {'search':>8s} {'engine':>8s} {'count':>8s} "
              f"{'programs':>8s} {'jobs':>8s}")  # fmt: skip
        presets = [measured(name, graph, hardware) for name, hardware in named]
        others = [measured(name, graph, hardware) for name, hardware in random_points(extra)]
        for point in presets:
            print(f"{point.name:28s} {point.total_ms:8.2f} {point.search_ms:8.2f} "
                  f"{point.engine_ms:8.2f} {point.count_ms:8.2f} {point.programs:8d} "
                  f"{point.jobs:8d}")  # fmt: skip
        if not others:
            continue
        times = sorted(point.total_ms for point in others)
        middle = statistics.median(times)
        met = sum(one <= GOAL_MS for one in times)
        print(f"{extra} random points: least {times[0]:.2f}, median {middle:.2f}, "
              f"most {times[-1]:.2f}; {met} within the goal")  # fmt: skip
        tilings = legal_tilings(graph, npusim.load_hardware("tpu-like-128"))
        print(f"legal tilings a layer on tpu-like-128: least {min(tilings)}, median "
              f"{statistics.median(tilings):.0f}, most {max(tilings)}")  # fmt: skip
        if network == "resnet-50":
            for name, published in PUBLISHED_MS.items():
                print(f"  {name}: {published:g} ms, {published / middle:.3g} of ours")


if __name__ == "__main__":
    main()
