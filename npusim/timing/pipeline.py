"""Several inferences in flight: each core has a run of layers of its own, and hands on its results.

The nodes of the graph are cut into one run a core. A stage is a graph of its own on one core with
its share of the SRAM; weights stay there if those of the stage fit, and what one stage hands to the
next travels through the second memory. Stages work at the same time on successive inferences:

    interval = max(the slowest stage, bytes of all stages / bandwidth of the second memory,
                   bytes of all stages / bandwidth of each SRAM port, fixed cost of an inference)

Each stage is scheduled as if the second memory were its own, and the maximum over the shared
resources stands for what they take from each other. Runs are cut where the largest sum of cycles is
least, by the layers' share of the latency on one core, and by how long they hold the array;
the better of both is taken, or all cores in step on one inference where that is faster. Latency is
not changed. Source of the scheme: pipelines of cores in Hailo's and Axelera's chips, as their
makers describe them (a network is spread over the chip, frames follow each other).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import accumulate

from npusim.errors import DoesNotFitError
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import Counts, StepCounts, count, latency_cost


def steady_interval_cycles(counts: Counts) -> float:
    """Cycles between two inferences in the steady state.

    Where the hardware pipelines its cores (`mapping.pipeline`), the interval of the best pipeline
    that was found; never more than without one. Networks with states are not pipelined: an
    inference needs what the one before it leaves.
    """
    program = counts.program
    graph, hardware = program.graph, program.hardware
    usable = hardware.mapping.pipeline and not graph.states and len(graph.nodes) > 1
    if not usable:
        return float(counts.interval_cycles)
    core = one_core(hardware)
    alone = _counted(graph, core)
    best = float(counts.interval_cycles)
    if alone is None:
        return best
    weighings = (
        _by_node(graph, alone, lambda step: step.cycles),
        _by_node(graph, alone, lambda step: float(step.array_busy_cycles)),
    )
    for cycles in weighings:
        stages = [
            _counted(stage_graph(graph, first, last), core)
            for first, last in balanced_runs(cycles, hardware.cores)
        ]
        best = min(best, _interval([s for s in stages if s], counts) if all(stages) else best)
    return best


def one_core(hardware: Hardware) -> Hardware:
    """One core of `hardware` with its share of the SRAM, in whole bytes of each bank."""
    sram = hardware.memory.sram
    share = sram.size_bytes // (hardware.cores * sram.banks) * sram.banks
    smaller = sram.model_copy(update={"size_bytes": max(sram.banks, share)})
    memory = hardware.memory.model_copy(update={"sram": smaller})
    return hardware.model_copy(update={"cores": 1, "memory": memory})


def stage_graph(graph: Graph, first: int, last: int) -> Graph:
    """Nodes `first` to `last`, without the last, with what they take from and give to others."""
    nodes = graph.nodes[first:last]
    made = {name for node in nodes for name in node.outputs}
    others = (*graph.nodes[:first], *graph.nodes[last:])
    asked = {*graph.results, *(name for node in others for name in node.inputs)}
    taken = {
        name: None
        for node in nodes
        for name in node.inputs
        if name and name not in made and not graph.tensors[name].is_constant
    }
    given = {name: None for node in nodes for name in node.outputs if name in asked}
    return dataclasses.replace(graph, nodes=nodes, inputs=tuple(taken), outputs=tuple(given))


def balanced_runs(cycles: list[float], most: int) -> list[tuple[int, int]]:
    """Cut a row of costs into at most `most` runs (first, behind the last) of least largest sum."""
    size = len(cycles)
    runs = min(most, size)
    until = [0.0, *accumulate(cycles)]
    least = [until[:]]
    cut = [[0] * (size + 1)]
    for _ in range(1, runs):
        row, where = [0.0] * (size + 1), [0] * (size + 1)
        for end in range(1, size + 1):
            row[end], where[end] = min(
                (max(least[-1][begin], until[end] - until[begin]), begin) for begin in range(end)
            )
        least.append(row)
        cut.append(where)
    found = []
    end = size
    for used in range(runs - 1, -1, -1):
        begin = cut[used][end]
        if begin < end:
            found.append((begin, end))
        end = begin
    return found[::-1]


def _counted(graph: Graph, hardware: Hardware) -> Counts | None:
    """Counts of `graph` by its best schedule for latency; None where it does not fit."""
    try:
        return count(build_program(graph, hardware, latency_cost))
    except DoesNotFitError:
        return None


def _by_node(graph: Graph, counts: Counts, cost: Callable[[StepCounts], float]) -> list[float]:
    """The cost of every node; a node may have several steps."""
    found = dict.fromkeys((id(node) for node in graph.nodes), 0.0)
    for step in counts.steps:
        found[id(step.step.node)] += cost(step)
    return list(found.values())


def _interval(stages: list[Counts], whole: Counts) -> float:
    """Cycles between two inferences; see the module's docstring."""
    machine = whole.program.machine
    steps = [step for stage in stages for step in stage.steps]
    dram = sum(step.dram_read_bytes + step.dram_write_bytes for step in steps)
    return max(
        float(max(stage.cycles - stage.overhead_cycles for stage in stages)),
        float(whole.overhead_cycles),
        dram / machine.dram_bytes_per_cycle,
        sum(step.sram_read_bytes for step in steps) / machine.sram_read_bytes_per_cycle,
        sum(step.sram_write_bytes for step in steps) / machine.sram_write_bytes_per_cycle,
    )
