"""The invariants of DESIGN section 4 on random networks and random hardware.

Hardware is any preset with any fields moved; networks have dense, grouped, depthwise, dilated and
transposed convolutions, residual blocks, matrix products and products with a vector.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npusim.errors import DoesNotFitError, UnsupportedModelError
from npusim.ir.graph import Graph
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.schedule.program import Program
from npusim.schedule.tables import ARRAY, OUTPUTS, STORE, VECTOR
from npusim.timing.counts import count, latency_cycles, timed
from npusim.timing.records import WHOLE_LOG
from tests.support.graphs import Build, graphs
from tests.support.presets_drawn import moved_presets
from tests.support.programs import all_jobs, program_of
from tests.timing.test_monotone import IMPROVEMENTS

SMALL = 1e-9


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """A random graph, a transposed convolution between two others, or matrix products."""
    kind = draw(st.sampled_from(["graph", "graph", "graph", "transposed", "products"]))
    if kind == "graph":
        return draw(graphs())
    build = Build()
    if kind == "transposed":
        x = build.conv(build.input(1, *draw(sides()), draw(st.integers(1, 20))), 12)
        taps, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        size = tuple(side * stride + taps for side in build.shape(x)[1:3])
        weights = build.constant(draw(st.integers(1, 24)), taps, taps, 12)
        x = build.add_node(TransposedConv2D(size, (stride, stride)), x, weights)
        build.conv(x, 8, (3, 3), (2, 2), padding=(1, 1, 1, 1))
        return build.graph()
    batch, rows, depth, cols = (draw(st.integers(1, 40)) for _ in range(4))
    x = build.add_node(MatMul(), build.input(batch, rows, depth), build.input(batch, depth, cols))
    build.fully_connected(x, draw(st.integers(1, 200)), draw(st.booleans()))
    return build.graph()


def sides() -> st.SearchStrategy[tuple[int, int]]:
    """Height and width of an image."""
    return st.tuples(st.integers(1, 12), st.integers(1, 12))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A random network as it is scheduled on random hardware; those that don't fit are left."""
    graph, hardware = draw(networks()), draw(moved_presets())
    try:
        return program_of(graph, hardware)
    except (DoesNotFitError, UnsupportedModelError):
        assume(False)
        raise


def assert_sums(program: Program) -> None:
    """Causes add up, layers add up; nothing is negative."""
    counts = count(program)
    close = SMALL * max(1, counts.cycles)
    assert math.fsum(counts.cycles_by_cause.values()) == pytest.approx(counts.cycles, abs=close)
    steps = math.fsum(step.cycles for step in counts.steps) + counts.overhead_cycles
    assert steps == pytest.approx(counts.cycles, abs=close)
    assert all(c >= -close for step in counts.steps for c in step.cycles_by_cause.values())


def assert_bounds(program: Program) -> None:
    """No Program is faster than the peaks of its array and of each port."""
    counts, hardware, machine = count(program), program.hardware, program.machine
    cycles = counts.cycles - counts.overhead_cycles
    array = sum(
        step.issued_macs / hardware.peak_macs_per_cycle(step.step.pair)
        for step in counts.steps
        if step.issued_macs
    )
    reads = sum(step.dram_read_bytes for step in counts.steps)
    writes = sum(step.dram_write_bytes for step in counts.steps)
    moved = {
        "dram": max(reads, writes) if machine.duplex else reads + writes,
        "read": sum(step.sram_read_bytes for step in counts.steps),
        "write": sum(step.sram_write_bytes for step in counts.steps),
    }
    least = {
        "array": array,
        "dram": moved["dram"] * hardware.clock_hz / hardware.dram_peak_bytes_per_s,
        "read": moved["read"] / machine.sram_read_bytes_per_cycle,
        "write": moved["write"] / machine.sram_write_bytes_per_cycle,
    }
    slack = 1 + SMALL * cycles
    assert {name: bound for name, bound in least.items() if bound > cycles + slack} == {}


def assert_written_once(program: Program) -> None:
    """Each byte of a tensor that is stored is stored once, in a cascade by several steps together.

    Where the loops span more than the tensor (phases of a transposed convolution), the share of
    each tile is rounded up to a byte.
    """
    if program.hardware.memory.layout.channel_block > 1:
        return  # padded: its bytes are those of blocks
    jobs = all_jobs(program)
    stores = jobs[jobs["kind"] == STORE]
    written = np.bincount(stores["step"], stores["bytes"], len(program.steps))
    stored: Counter[tuple[str, ...]] = Counter()
    rounded: Counter[tuple[str, ...]] = Counter()
    for at, row in enumerate(program.table):
        if row["unit"] not in (ARRAY, VECTOR):
            assert written[at] == 0
            continue
        own = program.operands[row["operand_start"] : row["operand_stop"]]
        streams = own[(own["role"] == OUTPUTS) & (own["stream"] == OUTPUTS)]
        names = tuple(program.tensors[operand["tensor"]] for operand in streams)
        stored[names] += int(written[at])
        if (streams["share"] != streams["share_of"]).any():
            rounded[names] += int((stores["step"] == at).sum())
    for names, size in stored.items():
        expected = sum(program.graph.tensors[name].size_bytes for name in names)
        assert expected <= size <= expected + rounded[names]


def assert_never_slower(program: Program) -> None:
    """The same schedule on a machine that is better in one respect.

    Streams that share a port in turn are no queue: what comes earlier takes a share from others.
    """
    if program.machine.round_robin:
        return
    cycles = latency_cycles(program)
    found = {}
    for name, better in IMPROVEMENTS.items():
        machine = better(program.machine, 1.7)
        after = latency_cycles(dataclasses.replace(program, machine=machine))
        if after > cycles:
            found[name] = after - cycles
    assert found == {}


def assert_same_again(program: Program) -> None:
    """The same network on the same hardware: the same schedule, log and causes."""
    again = program_of(program.graph, program.hardware)
    first, second = timed(program, WHOLE_LOG), timed(again, WHOLE_LOG)
    assert again.table.tobytes() == program.table.tobytes()
    assert second.log.tobytes() == first.log.tobytes()
    assert second.shares.tobytes() == first.shares.tobytes()


INVARIANTS = (
    assert_sums, assert_bounds, assert_written_once, assert_never_slower, assert_same_again,
)  # fmt: skip


@settings(max_examples=40)
@given(programs())
def test_invariants_hold(program):
    for invariant in INVARIANTS:
        invariant(program)


@pytest.mark.slow
@settings(max_examples=1500)
@given(programs())
def test_invariants_hold_for_many_programs(program):
    for invariant in INVARIANTS:
        invariant(program)
