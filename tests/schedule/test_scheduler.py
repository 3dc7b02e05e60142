"""What the scheduler promises of a whole Program: it fits, it is legal, it is the best it tried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.errors import DoesNotFitError, UnsupportedModelError
from npusim.ir.graph import Graph
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.numerics.formats import FP32
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.schedule.tables import ALIAS, HOST, LOAD, RESIDENT, STORE
from npusim.timing.counts import latency_cycles
from tests.support.graphs import Build, graphs, only
from tests.support.machines import machines, tiny
from tests.support.programs import all_jobs, program_of, scheduled_programs


def chain(layers: int = 3) -> Graph:
    """1 x 1 convolutions of 8 channels on 16 x 16 pixels: each tensor takes 2 KiB."""
    build = Build()
    x = build.input(1, 16, 16, 8)
    for _ in range(layers):
        x = build.conv(x, 8)
    return build.graph()


@settings(max_examples=30)
@given(graphs(), machines())
def test_the_program_is_the_best_of_those_that_were_judged(graph, hardware):
    """And it costs what the judge said."""
    judged: list[float] = []

    def judge(program: Program, limit: float) -> float:
        judged.append(latency_cycles(program))
        return judged[-1]

    try:
        program = build_program(graph, hardware, judge)
    except DoesNotFitError:
        assert not judged
        return
    assert latency_cycles(program) == min(judged)


@given(scheduled_programs())
def test_what_stays_never_overlaps_and_leaves_room(program):
    placed = list(program.placements.values())
    for at, first in enumerate(placed):
        assert first.offset_bytes + first.size_bytes <= program.machine.sram_bytes
        for second in placed[:at]:
            apart_in_time = first.last < second.first or second.last < first.first
            apart_in_space = (
                first.offset_bytes + first.size_bytes <= second.offset_bytes
                or second.offset_bytes + second.size_bytes <= first.offset_bytes
            )
            assert apart_in_time or apart_in_space
    assert program.sram_peak_bytes <= program.machine.sram_bytes


@given(scheduled_programs())
def test_prefetch_is_allowed_only_where_both_steps_fit(program):
    """Buffers of the step before, weight buffers of this one, and what stays in either."""
    table = program.table
    top = [0] * len(table)
    for place in program.placements.values():
        for at in range(place.first, place.last + 1):
            top[at] = max(top[at], place.offset_bytes + place.size_bytes)
    jobs = all_jobs(program)
    for at in np.flatnonzero(table["prefetch"]):
        needed = max(top[at - 1], top[at]) + program.pinned_bytes
        for step, streams in ((at - 1, (0, 1, 2)), (at, (0,))):
            if table[step]["unit"] in (ALIAS, HOST):
                continue
            own = jobs[(jobs["step"] == step) & np.isin(jobs["kind"], (LOAD, STORE))]
            for stream in streams:
                sizes = own["bytes"][own["stream"] == stream]
                name = ("weights", "inputs", "outputs")[stream]
                if sizes.size:
                    needed += int(sizes.max() * table[step][f"buffers_{name}"])
        assert needed <= program.machine.sram_bytes


def test_everything_stays_where_sram_is_large():
    program = program_of(chain(), tiny(memory__sram__holds=("weights", "inputs", "outputs")))
    assert set(program.placements) == {"t0", "t1"}  # inputs and outputs of the graph travel
    assert program.pinned_bytes == 3 * 8 * 8
    streams = program.operands["stream"]
    assert (streams[program.operands["constant"] == 1] == RESIDENT).all()


def test_only_what_sram_holds_stays():
    program = program_of(chain(), tiny(memory__sram__holds=("weights",)))
    assert not program.placements
    assert program.pinned_bytes == 3 * 8 * 8
    program = program_of(chain(), tiny(memory__sram__holds=("inputs", "outputs")))
    assert program.placements
    assert program.pinned_bytes == 0


def test_a_small_sram_streams_everything():
    program = program_of(chain(), tiny(memory__sram__size="1 KiB"))
    assert not program.placements
    assert (all_jobs(program)["kind"] == LOAD).sum() > 6


def test_equal_layers_get_equal_tiles():
    program = program_of(chain(4), tiny(memory__sram__size="1 KiB"))
    tiles = [tuple(row[f"tile_{name}"] for name in ("b", "g", "k", "c", "oy", "ox"))
             for row in program.table[1:]]  # fmt: skip
    assert len(set(tiles)) == 1


def test_a_layer_that_cannot_fit_is_named():
    graph = only(lambda build, x: build.add_node(Softmax(), x), 1, 4096)
    with pytest.raises(DoesNotFitError) as caught:
        program_of(graph, tiny(memory__sram__size="1 KiB"))
    (problem,) = caught.value.problems
    assert problem.where == "softmax_0"
    assert "8192 bytes" in problem.what  # 4096 in and 4096 out: a row of a softmax is never cut


def test_without_a_host_what_only_it_can_run_is_named():
    build = Build()
    build.add_node(Dequantize(), build.input(1, 8), format=FP32)
    with pytest.raises(UnsupportedModelError) as caught:
        program_of(build.graph(), tiny(host=None))
    assert [problem.where for problem in caught.value.problems] == ["dequantize_0"]
