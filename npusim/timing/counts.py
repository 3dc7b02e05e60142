"""The Counts of a Program: what timing says, per step and in total, before energy is added.

The steady state is what a report calls latency: weights and states that stay on chip are there. The
first inference loads them beforehand, one after the other with what follows. Inferences do not
overlap, so the steady interval between two equals the latency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from npusim.cost.machine import packed
from npusim.cost.transfer import cycles_at
from npusim.schedule.host_link import link_cycles, link_traffic
from npusim.schedule.program import Program, Step
from npusim.timing.causes import CAUSES, CONVERSION, DISPATCH_CAUSE, HOST_CAUSE, HOST_LINK
from npusim.timing.engine import simulate
from npusim.timing.limits import NO_LIMIT
from npusim.timing.records import NO_LOG, WINDOW, Run


@dataclass(frozen=True, eq=False)
class StepCounts:
    """One step: its share of the latency by cause (cycles), its traffic (bytes), its work.

    `array_hops` are words from element to element of the array, `scratchpad_fills` words written to
    scratchpads there. `loaded_bytes` came to SRAM, uncoded; of these `loaded_weight_bytes` weights.
    """

    step: Step
    cycles_by_cause: Mapping[str, float]
    array_busy_cycles: int
    issued_macs: int
    vector_ops: int
    output_elements: int
    dram_read_bytes: int
    dram_write_bytes: int
    sram_read_bytes: int
    sram_write_bytes: int
    tiles: int
    jobs: int
    array_hops: int
    scratchpad_fills: int
    loaded_bytes: int
    loaded_weight_bytes: int

    @property
    def cycles(self) -> float:
        """Cycles of the latency that this step owns."""
        return math.fsum(self.cycles_by_cause.values())


class Times(NamedTuple):
    """Cycles of a whole Program; see `Counts`."""

    cycles: int
    overhead_cycles: int
    link_cycles: int
    first_inference_cycles: int


@dataclass(frozen=True, eq=False)
class Counts:
    """A whole Program: `cycles` of the NPU clock in the steady state, one batch.

    `overhead_cycles` are part of `cycles` and belong to no step: the fixed cost of an inference
    (cause `dispatch`), and `link_cycles`, in which inputs and outputs cross the host's link. `done`
    (`records.COUNTS` [steps]) is what the steps did.
    """

    program: Program
    cycles: int
    overhead_cycles: int
    link_cycles: int
    first_inference_cycles: int
    interval_cycles: int
    steps: tuple[StepCounts, ...]
    done: np.ndarray

    @property
    def times(self) -> Times:
        """The cycles of the whole Program."""
        return Times(
            self.cycles, self.overhead_cycles, self.link_cycles, self.first_inference_cycles
        )

    @property
    def cycles_by_cause(self) -> dict[str, float]:
        """Every cause with its cycles; they add up to `cycles`."""
        total = {
            cause: math.fsum(step.cycles_by_cause[cause] for step in self.steps) for cause in CAUSES
        }
        for cause, cycles in self.overhead_by_cause.items():
            total[cause] += cycles
        return total

    @property
    def overhead_by_cause(self) -> dict[str, float]:
        """Every cause with its cycles of `overhead_cycles`."""
        fixed = {
            CAUSES[DISPATCH_CAUSE]: float(self.overhead_cycles - self.link_cycles),
            CAUSES[HOST_LINK]: float(self.link_cycles),
        }
        return dict.fromkeys(CAUSES, 0.0) | fixed


_RUNS: WeakKeyDictionary[Program, Run] = WeakKeyDictionary()
"""What the engine found for Programs that are still in use: a schedule may be judged twice."""


def latency_run(program: Program) -> Run:
    """What the engine finds, without a log; nothing is attributed."""
    run = _RUNS.get(program)
    if run is None:
        run = _RUNS[program] = timed(program, NO_LOG)
    return run


def latency_cycles(program: Program, limit: float = math.inf) -> int:
    """Cycles of the steps alone: what schedules are compared by.

    If that is `limit` or more, any such number: the Program is not followed to its end.
    """
    run = _RUNS.get(program)
    if run is None:
        run = timed(program, NO_LOG, limit)
        if run.complete:
            _RUNS[program] = run
    return int(run.cycles)


_BYTE_CYCLES, _MOST_BYTES_CYCLES = 1e-10, 0.5
"""What a byte on the bus weighs beside a cycle, and all of them at most: ties only."""


def latency_cost(program: Program, limit: float = math.inf) -> float:
    """`latency_cycles`; of Programs that take as many, that with fewer bytes on the bus costs less.

    If it is `limit` or more, any such number.
    """
    cycles = latency_cycles(program, limit)
    run = _RUNS.get(program)
    if run is None:
        return float(cycles)
    moved = int(run.counts["dram_read"].sum()) + int(run.counts["dram_write"].sum())
    return cycles + min(_MOST_BYTES_CYCLES, _BYTE_CYCLES * moved)


def times_of(program: Program, run: Run | None = None) -> Times:
    """How long `program` takes; `run` is what the engine found, if it ran already."""
    hardware, machine = program.hardware, program.machine
    cycles = int((latency_run(program) if run is None else run).cycles)
    fixed = math.ceil(round(hardware.overheads.per_inference_s * hardware.clock_hz, 6))
    link = 0
    if hardware.host.link is not None:
        crossing = link_traffic(program.graph, program.steps)
        link = link_cycles(hardware, crossing.arriving_bytes, crossing.leaving_bytes)
    cold = 0
    if program.preloaded_bytes:
        data = cycles_at(program.preloaded_bytes, machine.dram_bytes_per_cycle)
        cold = machine.dma_setup + machine.dram_latency + data
    cycles += fixed + link
    return Times(cycles, fixed + link, link, cycles + cold)


def timed(program: Program, window: int = WINDOW, limit: float = math.inf) -> Run:
    """What the engine finds; `window` and `limit` (cycles) as in `engine.simulate`."""
    tensors, machine = len(program.tensors), packed(program.machine)
    most = NO_LIMIT if math.isinf(limit) else math.ceil(limit)
    return simulate(program.table, program.operands, tensors, machine, window, most)


def count(program: Program, run: Run | None = None) -> Counts:
    """Time every job of `program` (unless `run` has) and say why it takes that long."""
    run = timed(program) if run is None else run
    times, hardware = times_of(program, run), program.hardware
    around = link_traffic(program.graph, program.steps).steps
    return Counts(
        program=program,
        cycles=times.cycles,
        overhead_cycles=times.overhead_cycles,
        link_cycles=times.link_cycles,
        first_inference_cycles=times.first_inference_cycles,
        interval_cycles=times.cycles,
        steps=tuple(
            _step_counts(step, _with_conversion(share, row, link_cycles(hardware, *bytes_)), counts)
            for step, share, row, counts, bytes_ in zip(
                program.steps, run.shares, program.table, run.counts, around, strict=True
            )
        ),
        done=run.counts,
    )


def _with_conversion(share: np.ndarray, row: np.void, conversion_cycles: int) -> np.ndarray:
    """Cycles by cause of a step, with what crosses the link around it taken out of `host`."""
    if not conversion_cycles:
        return share
    moved = share[HOST_CAUSE] * conversion_cycles / row["host_cycles"]
    split = share.copy()
    split[HOST_CAUSE] -= moved
    split[CONVERSION] += moved
    return split


def _step_counts(step: Step, share: np.ndarray, row: np.void) -> StepCounts:
    return StepCounts(
        step=step,
        cycles_by_cause={cause: float(value) for cause, value in zip(CAUSES, share, strict=True)},
        array_busy_cycles=int(row["array_busy"]),
        issued_macs=int(row["macs"]),
        vector_ops=int(row["vector_ops"]),
        output_elements=int(row["outputs"]),
        dram_read_bytes=int(row["dram_read"]),
        dram_write_bytes=int(row["dram_write"]),
        sram_read_bytes=int(row["sram_read"]),
        sram_write_bytes=int(row["sram_write"]),
        tiles=int(row["tiles"]),
        jobs=int(row["jobs"]),
        array_hops=int(row["hops"]),
        scratchpad_fills=int(row["filled"]),
        loaded_bytes=int(row["weights_bytes"] + row["inputs_bytes"]),
        loaded_weight_bytes=int(row["weights_bytes"]),
    )
