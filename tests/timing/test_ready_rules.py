"""One cycle earlier it is blocked, now it is ready: a row of a table for each rule of time.

A row names a tiny Program, a job that waits, and the moment of another job that lets it go. That
moment is moved cycle by cycle; the job that waits must follow it exactly, `lag` cycles behind. The
machine is `tiny`, the layers are those of `test_engine.py`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from npusim.cost.array import DATAFLOWS
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.numerics.formats import FP32
from npusim.schedule.program import Program
from npusim.schedule.tables import JOB_KINDS
from npusim.timing.counts import timed
from npusim.timing.records import WHOLE_LOG
from tests.support import reference_engine
from tests.support.graphs import Build, only
from tests.support.machines import tiny
from tests.support.programs import all_jobs, program_of, retiled
from tests.timing.test_engine import ONE_TILE, STREAMS, chain, layer
from tests.timing.test_turn_around import turning

LATE = 100
"""Cycles after which the first step is dispatched: its loads are done long before."""


class Rule(NamedTuple):
    """`waiting` is let go `lag` cycles after `releasing`: each is a job and a moment of its log.

    `program` has the releasing moment later by its argument. `of` is the rule of the reference
    engine that the row tests.
    """

    of: str
    program: Callable[[int], Program]
    waiting: str
    releasing: str
    lag: int = 0


def late(program: Program, delay: int) -> Program:
    """`program` with its first step dispatched at LATE + `delay`."""
    table = program.table.copy()
    table["dispatch_cycles"][0] = LATE + delay
    return dataclasses.replace(program, table=table)


def in_rows() -> Program:
    """A layer in four tiles of two rows each."""
    return retiled(layer(), tile_b=2, buffers_inputs=2)


def of_latency(**changes: object) -> Callable[[int], Program]:
    """One tile whose loads take a cycle longer for each cycle of delay."""
    return lambda delay: layer(memory__dram__latency=f"{20 + delay} cycles", **changes)


def three_steps() -> Program:
    """Three layers of one tile each; what is between them stays in SRAM."""

    def build(builder: Build, x: str) -> str:
        for _ in range(3):
            x = builder.fully_connected(x, 4)
        return x

    return retiled(program_of(only(build, 8, 4), tiny()), **ONE_TILE)


def through_dram(**changes: object) -> Program:
    """Two layers; what is between them is an output of the network, so the second one loads it."""
    build = Build()
    first = build.fully_connected(build.input(8, 4), 4)
    build.fully_connected(first, 4)
    program = program_of(build.graph(first, "t1"), tiny(**changes))
    return retiled(program, **ONE_TILE, prefetch=0)


def beside_a_store(vector: bool) -> Program:
    """A layer that stores its output, and a step after it with all inputs in SRAM."""
    build = Build()
    x = build.fully_connected(build.input(8, 4), 4)
    y = build.fully_connected(x, 4)
    z = build.add_node(Add(), x, x) if vector else build.fully_connected(x, 4)
    return retiled(program_of(build.graph(y, z), tiny()), **ONE_TILE)


def on_the_vector_unit() -> Program:
    """Sums in two tiles."""
    graph = only(lambda build, x: build.add_node(Add(), x, x), 8, 4)
    return retiled(program_of(graph, tiny()), tile_b=4, buffers_inputs=2, buffers_outputs=2)


def on_the_host() -> Program:
    """A layer, then two operators of the host."""
    build = Build()
    x = build.fully_connected(build.input(8, 4), 4)
    x = build.add_node(Dequantize(), x, format=FP32)
    build.add_node(Quantize(), x)
    return retiled(program_of(build.graph(), tiny(host__rate="0.5 GFLOP/s")), **ONE_TILE)


def with_a_view() -> Program:
    """Two layers and a view between them."""
    build = Build()
    x = build.fully_connected(build.input(8, 4), 4)
    build.fully_connected(build.add_node(Reshape((8, 4)), x), 4)
    return retiled(program_of(build.graph(), tiny()), **ONE_TILE)


def meeting(program: Program) -> Program:
    """`program` on cores that meet for 5 cycles before each operator."""
    return dataclasses.replace(program, machine=program.machine._replace(core_sync=5))


def starting(program: Program) -> Program:
    """`program` as a direct convolution that starts 7 cycles after its operands are there."""
    array = program.machine.array._replace(start_delay=7)
    machine = program.machine._replace(array=array)
    direct = retiled(program, dataflow=DATAFLOWS.index("direct_convolution"))
    return dataclasses.replace(direct, machine=machine)


def overlapping(program: Program) -> Program:
    """`program` on hardware that starts a layer while the one before drains."""
    machine = program.machine._replace(overlap_layers=True)
    return dataclasses.replace(program, machine=machine)


TOKENS = "buffers_are_tokens"
QUEUES = "one_after_the_other"
STEPS = "steps_follow_each_other"
RULES = {
    "a weights buffer is free": Rule(
        TOKENS, lambda d: late(layer(3), d), "weights 2 ready", "compute 0 end"
    ),
    "an inputs buffer is free": Rule(
        TOKENS, lambda d: late(in_rows(), d), "inputs 2 ready", "compute 0 end"
    ),
    "an output buffer is free": Rule(
        TOKENS, lambda d: late(retiled(layer(2), buffers_outputs=1), d),
        "post 1 held", "store 0 end",
    ),
    "the sums are drained": Rule(
        TOKENS, lambda d: late(retiled(layer(2), buffers_sums=1), d),
        "compute 1 held", "post 0 end",
    ),
    "an output tile is finished": Rule(
        TOKENS, lambda d: late(layer(), d), "store 0 ready", "post 0 end"
    ),
    "inputs have arrived": Rule(
        TOKENS, of_latency(mac_array__weight_rate="1000 weights/cycle"),
        "compute 0 held", "weights 0 end", 1,
    ),
    "the array is free": Rule(
        QUEUES, lambda d: late(layer(2), d), "compute 1 held", "compute 0 end"
    ),
    "the vector unit is free": Rule(
        QUEUES, lambda d: late(on_the_vector_unit(), d), "compute 1 held", "compute 0 end"
    ),
    "the output stage is free": Rule(
        QUEUES, lambda d: late(layer(2, output_stage__rate="1 elements/cycle"), d),
        "post 1 held", "post 0 end",
    ),
    "the bus is free": Rule(QUEUES, of_latency(), "weights 0 held", "inputs 0 end"),
    "the bus has turned to writing": Rule(
        QUEUES, lambda d: late(turning(layer(4), 0, 20), d), "store 0 held", "weights 2 end", 20
    ),
    "the bus has turned to reading": Rule(
        QUEUES, lambda d: late(turning(layer(4), 50, 0), d), "weights 3 held", "store 0 end", 50
    ),
    "the channel is set up": Rule(
        "channels_take_their_setup", lambda d: late(through_dram(), d),
        "weights 1 ready", "inputs 1 ready", 3,
    ),
    "the only channel is set up": Rule(
        "channels_take_their_setup",
        lambda d: late(layer(3, dma__setup="50 cycles", dma__channels=1), d + LATE),
        "store 0 ready", "weights 2 ready", 50,
    ),
    "the buffer of a stream is free": Rule(
        "streams_have_buffers", lambda d: late(layer(4, dma__in_flight__weights="20 B"), d),
        "weights 3 held", "weights 2 end",
    ),
    "set-up and latency are over": Rule(
        "lengths", lambda d: late(layer(), d), "store 0 held", "store 0 ready", 3 + 20
    ),
    "the cores have met": Rule(
        "lengths", lambda d: late(meeting(chain()), d), "dispatch 1 end", "dispatch 1 begin", 5
    ),
    "the start of a direct convolution is over": Rule(
        "lengths", lambda d: starting(of_latency()(d)), "compute 0 held", "weights 0 end", 7
    ),
    "the tile before an overlapping layer is computed": Rule(
        STEPS, lambda d: late(overlapping(beside_a_store(False)), d),
        "dispatch 2 begin", "compute 1 end",
    ),
    "the read port has served a tile": Rule(
        "ports_are_shared", lambda d: late(layer(memory__sram__read="4 B/cycle"), d),
        "compute 0 end", "compute 0 held", (32 + 16) // 4,
    ),
    "the write port has served the output stage": Rule(
        "ports_are_shared", lambda d: late(layer(memory__sram__write="2 B/cycle"), d),
        "post 0 end", "post 0 held", 32 // 2,
    ),
    "new weights are in the array": Rule(
        "new_weights_enter_the_array", of_latency(), "compute 0 held", "weights 0 end", 4
    ),
    "the step is dispatched": Rule(
        STEPS, lambda d: late(layer(), d), "compute 0 held", "dispatch 0 end"
    ),
    "the step before has done its work": Rule(
        STEPS, lambda d: late(chain(), d), "dispatch 1 begin", "post 0 end"
    ),
    "the step before a view has done its work": Rule(
        STEPS, lambda d: late(with_a_view(), d), "dispatch 1 begin", "post 0 end"
    ),
    "weights are loaded a step ahead": Rule(
        STEPS, lambda d: late(three_steps(), d), "weights 2 ready", "post 0 end"
    ),
    "weights are not loaded ahead": Rule(
        STEPS, lambda d: late(retiled(chain(), prefetch=0), d), "weights 1 ready", "post 0 end"
    ),
    "the output stage waits for the stores before": Rule(
        STEPS, lambda d: late(beside_a_store(False), d), "post 2 held", "store 0 end"
    ),
    "the vector unit waits for the stores before": Rule(
        STEPS, lambda d: late(beside_a_store(True), d), "compute 2 held", "store 0 end"
    ),
    "the host waits for the stores before": Rule(
        STEPS, lambda d: late(on_the_host(), d), "host 0 held", "store 0 end"
    ),
    "the host is free": Rule(
        STEPS, lambda d: late(on_the_host(), d), "host 1 held", "host 0 end"
    ),
    "a tensor is in the second memory": Rule(
        "tensors_arrive", lambda d: late(through_dram(), d), "inputs 1 ready", "store 0 end"
    ),
    "a tensor is in SRAM": Rule(
        "tensors_arrive", lambda d: late(chain(), d), "dispatch 1 begin", "post 0 end"
    ),
    "the first sum has left the array": Rule(
        "outputs_leave_the_array", lambda d: late(layer(), d), "post 0 held", "compute 0 held"
    ),
    "the last sum has left the array": Rule(
        "outputs_leave_the_array", lambda d: late(layer(), d), "post 0 end", "compute 0 end", 6
    ),
    "a drain that nothing hides is over": Rule(
        "outputs_leave_the_array",
        lambda d: late(layer(mac_array__overlap__drain=False), d), "post 0 held", "compute 0 end",
    ),
}  # fmt: skip


def moments(program: Program) -> dict[str, int]:
    """`<kind> <n> <moment>` of every job, n counted over all steps: begin, ready, held, end."""
    log = timed(program, WHOLE_LOG).log
    seen: Counter[str] = Counter()
    found = {}
    for job, entry in zip(all_jobs(program), log, strict=True):
        kind = JOB_KINDS[job["kind"]]
        name = STREAMS[int(job["stream"])] if kind == "load" else kind
        for moment in ("begin", "ready", "held", "end"):
            found[f"{name} {seen[name]} {moment}"] = int(entry[moment])
        seen[name] += 1
    return found


@pytest.mark.parametrize("name", RULES)
def test_a_job_starts_in_the_very_cycle_in_which_it_may(name: str) -> None:
    rule = RULES[name]
    first = None
    for delay in range(4):
        found = moments(rule.program(delay))
        released = found[rule.releasing]
        first = released if first is None else first
        assert released == first + delay, "the releasing moment moves cycle by cycle"
        assert found[rule.waiting] == released + rule.lag


def test_every_rule_of_the_reference_engine_has_a_row() -> None:
    assert {rule.of for rule in RULES.values()} == {f.__name__ for f in reference_engine.RULES}
