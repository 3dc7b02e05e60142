"""Random Programs: as the scheduler builds them, and with tilings that it would never choose."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from npusim.errors import DoesNotFitError
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.schedule.tables import ARRAY, VECTOR
from npusim.timing.counts import latency_cycles
from tests.support.graphs import graphs
from tests.support.machines import machines

_TILED = ("b", "g", "k", "c", "oy", "ox")


def program_of(graph: Graph, hardware: Hardware) -> Program:
    """The Program that the scheduler builds for latency."""
    return build_program(graph, hardware, latency_cycles)


def retiled(program: Program, **columns: int) -> Program:
    """`program` with columns of its step table overwritten, the same value in each step."""
    table = program.table.copy()
    for name, value in columns.items():
        table[name] = value
    return dataclasses.replace(program, table=table)


@st.composite
def scheduled_programs(
    draw: st.DrawFn, hardware: st.SearchStrategy[Hardware] | None = None
) -> Program:
    """What the scheduler makes of a random graph on a random NPU; those that don't fit are left."""
    try:
        return program_of(draw(graphs()), draw(machines() if hardware is None else hardware))
    except DoesNotFitError:
        assume(False)
        raise


@st.composite
def random_programs(
    draw: st.DrawFn, hardware: st.SearchStrategy[Hardware] | None = None
) -> Program:
    """A Program whose tiles, loop orders, buffers and prefetches are random but legal.

    Sizes of SRAM and accumulators are not respected: walker and engine do not look at them.
    """
    program = draw(scheduled_programs(hardware))
    table = program.table.copy()
    sums = draw(st.sampled_from([1, 2]))
    for at, step in enumerate(program.steps):
        if step.unit not in (ARRAY, VECTOR):
            continue
        row = table[at]
        for name in _TILED:
            if name.upper() in step.nest.splits:
                row[f"tile_{name}"] = draw(_tile_sizes(int(row[name])))
        if step.unit == ARRAY:
            row["order"] = draw(st.sampled_from([0, 1]))
        for stream in ("weights", "inputs", "outputs"):
            row[f"buffers_{stream}"] = draw(st.sampled_from([1, 2]))
        row["buffers_sums"] = sums
        row["prefetch"] = draw(st.sampled_from([0, 1])) if at else 0
        if row["dataflow"] == 1 and step.unit == ARRAY:
            row["tile_c"] = row["c"]
    return dataclasses.replace(program, table=table)


@st.composite
def finely_tiled_programs(
    draw: st.DrawFn, hardware: st.SearchStrategy[Hardware] | None = None, most_tiles: int = 20_000
) -> Program:
    """A random Program with small tiles: loops of many turns, some thousand jobs."""
    program = draw(random_programs(hardware))
    table = program.table.copy()
    for at, step in enumerate(program.steps):
        row, tiles = table[at], 1
        for name in _TILED:
            if step.unit in (ARRAY, VECTOR) and name.upper() in step.nest.splits:
                extent = int(row[name])
                whole_sums = name == "c" and row["dataflow"] == 1 and step.unit == ARRAY
                least = 1 if tiles * extent <= most_tiles else -(-tiles * extent // most_tiles)
                if not whole_sums and least < extent and draw(st.booleans()):
                    row[f"tile_{name}"] = draw(st.integers(least, min(extent, 3 * least)))
                tiles *= -(-extent // int(row[f"tile_{name}"]))
    return dataclasses.replace(program, table=table)


def _tile_sizes(extent: int) -> st.SearchStrategy[int]:
    """Few tiles for most dimensions, so that there are at most some hundred jobs."""
    return st.one_of(st.just(extent), st.integers(-(-extent // 3), extent))


def all_jobs(program: Program) -> np.ndarray:
    """Every job record of the Program, in order of emission."""
    blocks = [block.copy() for block in program.jobs()]
    return np.concatenate(blocks)
