"""Each timing rule on a machine so small that its cycles are computed by hand.

The machine (`tiny`): a 4 x 4 weight-stationary array, 8 bytes a cycle of DRAM after 20 cycles of
latency and 3 of set-up, an output stage of 4 elements a cycle. The layer: 8 rows of 4 inputs, 4
outputs a tile. So a tile's inputs take 4 cycles on the bus, its weights 2, its outputs 4; weights
need 4 cycles into the array, the tile 8, its skew 6, the output stage 8.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.add import Add
from npusim.numerics.formats import FP32
from npusim.schedule.program import Program
from npusim.schedule.tables import COMPUTE, JOB_KINDS, LOAD
from npusim.timing.counts import count, timed
from npusim.timing.records import WHOLE_LOG
from tests.support.graphs import Build, only
from tests.support.machines import tiny
from tests.support.programs import (
    all_jobs,
    program_of,
    random_programs,
    retiled,
    scheduled_programs,
)
from tests.support.reference_engine import solve

STREAMS = {0: "weights", 1: "inputs"}


def ends(program: Program) -> dict[str, int]:
    """End of each job; the n-th job of its kind is called `<kind> <n>`, counted over all steps."""
    run = timed(program, WHOLE_LOG)
    seen: Counter[str] = Counter()
    found = {}
    for job, entry in zip(all_jobs(program), run.log, strict=True):
        kind = JOB_KINDS[job["kind"]]
        name = STREAMS[int(job["stream"])] if kind == "load" else kind
        found[f"{name} {seen[name]}"] = int(entry["end"])
        seen[name] += 1
    return found


def layer(tiles: int = 1, rows: int = 8, **changes: object) -> Program:
    """A fully connected layer of 4 inputs, cut into `tiles` tiles of 4 outputs; inputs stay."""
    graph = only(lambda build, x: build.fully_connected(x, 4 * tiles), rows, 4)
    columns = dict(tile_b=rows, tile_k=4, tile_c=4, order=1, buffers_inputs=1)
    columns |= dict(buffers_weights=2, buffers_outputs=2)
    return retiled(program_of(graph, tiny(**changes)), **columns)


def test_one_tile_goes_through_every_resource():
    assert ends(layer()) == {
        "dispatch 0": 0,
        "inputs 0": 3 + 20 + 4,
        "weights 0": 27 + 2,  # its set-up is done at 6, its data could come at 26: the bus is busy
        "compute 0": 29 + 4 + 8,  # weights into the registers, then 8 rows
        "post 0": 41 + 6,  # first outputs at 33, so 8 cycles were enough; the skew decides
        "store 0": 47 + 3 + 20 + 4,
    }


def test_every_cycle_of_one_tile_has_its_cause():
    causes = {cause: cycles for cause, cycles in count(layer()).cycles_by_cause.items() if cycles}
    assert causes == {
        "dma_setup": 3 + 3, "memory_latency": 20 + 20, "wait_inputs": 4, "wait_weights": 2,
        "weight_load": 4, "compute": 8, "array_fill": 6, "wait_output_buffer": 4,
    }  # fmt: skip


def test_weights_need_their_lead_into_the_array():
    slow = ends(layer(mac_array__weight_rate="2 weights/cycle"))
    assert slow["compute 0"] == 29 + 8 + 8  # 16 weights at 2 a cycle


def test_weights_that_the_array_cannot_hide_are_part_of_the_tile():
    exposed = ends(layer(mac_array__overlap__weight_load=False))
    assert exposed["compute 0"] == 29 + (4 + 8)
    assert exposed["post 0"] == 41 + 6


def test_a_load_waits_for_the_buffer_that_it_overwrites():
    found = ends(layer(3))
    assert found["weights 1"] == 29 + 2  # two buffers: at once
    assert found["compute 0"] == 41
    assert found["weights 2"] == 41 + 3 + 20 + 2  # the third when the first is read
    assert found["compute 1"] == 41 + 8
    assert found["compute 2"] == 66 + 4 + 8


def test_with_one_buffer_nothing_is_loaded_ahead():
    found = ends(retiled(layer(2), buffers_weights=1))
    assert found["compute 0"] == 41
    assert found["weights 1"] == 41 + 3 + 20 + 2
    assert found["compute 1"] == 66 + 4 + 8


def test_an_output_buffer_is_filled_again_after_its_store():
    two = ends(layer(3))
    assert (two["post 0"], two["post 1"]) == (47, 55)
    assert (two["store 0"], two["store 1"]) == (47 + 3 + 20 + 4, 55 + 3 + 20 + 4)
    assert two["post 2"] == 78 + 6  # waits for store 0 at 74, then 8: earlier than the skew
    one = ends(retiled(layer(3), buffers_outputs=1))
    assert one["post 1"] == 74 + 8
    assert one["store 1"] == 82 + 3 + 20 + 4
    assert one["post 2"] == 109 + 8


def test_sums_are_overwritten_after_they_are_drained():
    found = ends(layer(2, mac_array__overlap__drain=False))
    assert found["compute 0"] == 29 + 4 + (8 + 6)
    assert found["post 0"] == 47 + 8  # nothing leaves before the tile is done
    assert found["compute 1"] == 55 + (8 + 6)
    hidden = ends(retiled(layer(2), buffers_sums=1))
    assert (hidden["post 0"], hidden["compute 1"]) == (47, 47 + 8)


def test_the_output_stage_serves_one_tile_after_the_other():
    found = ends(layer(2, output_stage__rate="1 elements/cycle"))
    assert found["post 0"] == 33 + 32
    assert found["post 1"] == 65 + 32


def test_the_set_up_of_one_channel_delays_the_next_transfer():
    found = ends(layer(dma__setup="50 cycles"))
    assert found["inputs 0"] == 50 + 20 + 4
    assert found["weights 0"] == 50 + 50 + 20 + 2
    assert found["store 0"] == found["post 0"] + 50 + 20 + 4


@pytest.mark.parametrize(("channels", "store_data"), [(1, 200 + 50 + 20), (2, 222)])
def test_one_channel_serves_loads_and_stores_in_turn(channels, store_data):
    """The store of tile 0, ready at 140, waits until the third load is set up at 200.

    On a channel of its own its data could come at 140 + 50 + 20; the bus serves the load first.
    """
    found = ends(layer(3, dma__setup="50 cycles", dma__channels=channels))
    assert found["weights 1"] == 150 + 20 + 2
    assert found["compute 0"] == 122 + 4 + 8
    assert found["post 0"] == 140
    third_ready = 150  # when weights 1 is set up; tile 0 is read at 134
    assert found["weights 2"] == third_ready + 50 + 20 + 2
    assert found["store 0"] == store_data + 4


@pytest.mark.parametrize(("rate", "end"), [(8, 33 + 8), (6, 33 + 8), (4, 33 + 12)])
def test_the_read_port_can_stall_the_array(rate, end):
    """A tile reads 32 bytes of inputs and 16 of weights."""
    assert ends(layer(memory__sram__read=f"{rate} B/cycle"))["compute 0"] == end


def test_the_write_port_can_limit_a_load_and_the_output_stage():
    found = ends(layer(memory__sram__write="2 B/cycle"))
    assert found["inputs 0"] == 23 + 16
    assert found["weights 0"] == 39 + 8
    assert found["compute 0"] == 47 + 4 + 8
    assert found["post 0"] == 51 + 16  # 32 bytes from the first output on, later than the skew


def test_dispatch_and_sram_latency_come_before_the_first_tile():
    found = ends(layer(overheads__per_layer="100 cycles", memory__sram__latency="7 cycles"))
    assert found["dispatch 0"] == 107
    assert found["compute 0"] == 107 + 8  # weights have long arrived, and are in the registers
    assert found["inputs 0"] == 27  # loads need no dispatch


ONE_TILE = dict(tile_b=8, buffers_inputs=1, buffers_outputs=1)


def chain(**changes: object) -> Program:
    """Two layers of one tile each; the tensor between them stays in SRAM."""
    graph = only(lambda build, x: build.fully_connected(build.fully_connected(x, 4), 4), 8, 4)
    program = retiled(program_of(graph, tiny(**changes)), **ONE_TILE)
    assert set(program.placements) == {"t0"}
    return program


def test_a_step_waits_for_its_input_and_its_weights_come_before():
    found = ends(chain())
    assert found["weights 1"] == 29 + 2  # prefetched behind the first step's
    assert found["post 0"] == 47
    assert found["dispatch 1"] == 47
    assert found["compute 1"] == 47 + 8
    assert found["post 1"] == 55 + 6
    assert found["store 0"] == 61 + 27


def test_without_prefetch_weights_wait_for_the_step_before():
    found = ends(retiled(chain(), prefetch=0))
    assert found["weights 1"] == 47 + 3 + 20 + 2
    assert found["compute 1"] == 72 + 4 + 8


def test_an_input_in_dram_is_read_after_it_is_written():
    build = Build()
    first = build.fully_connected(build.input(8, 4), 4)
    build.fully_connected(first, 4)
    found = ends(retiled(program_of(build.graph(first, "t1"), tiny()), **ONE_TILE))
    assert found["store 0"] == 74
    assert found["inputs 1"] == 74 + 3 + 20 + 4
    assert found["compute 1"] == 101 + 8


def test_a_view_takes_no_time_and_does_not_let_the_next_step_begin():
    build = Build()
    x = build.fully_connected(build.input(8, 4), 4)
    x = build.fully_connected(build.add_node(Reshape((8, 4)), x), 4)
    hardware = tiny(overheads__per_layer="100 cycles")
    found = ends(retiled(program_of(build.graph(), hardware), **ONE_TILE))
    assert found["compute 0"] == 100 + 8
    assert found["post 0"] == 108 + 6
    assert found["alias 0"] == 114
    assert found["dispatch 1"] == 114 + 100


def test_the_vector_unit_reads_writes_and_computes_at_once():
    graph = only(lambda build, x: build.add_node(Add(), x, x), 8, 4)
    tiles = dict(tile_b=4, tile_k=4, buffers_inputs=2, buffers_outputs=2)
    found = ends(retiled(program_of(graph, tiny()), **tiles))
    assert found["inputs 0"] == 23 + 4  # both operands, 4 x 4 bytes each
    assert found["compute 0"] == 27 + 4  # 16 sums on 4 lanes
    assert found["compute 1"] == 31 + 4
    assert found["store 0"] == 31 + 27 - 2
    slow = ends(retiled(program_of(graph, tiny(memory__sram__write="2 B/cycle")), **tiles))
    assert slow["compute 0"] == 39 + 8  # 16 bytes into SRAM


def test_the_host_runs_alone():
    """32 operations at one a cycle, after the store; what follows waits for the host."""
    build = Build()
    x = build.fully_connected(build.input(8, 4), 4)
    x = build.add_node(Dequantize(), x, format=FP32)
    build.add_node(Quantize(), x)
    hardware = tiny(host__rate="0.5 GFLOP/s")
    program = retiled(program_of(build.graph(), hardware), **ONE_TILE)
    found = ends(program)
    assert [step.on for step in program.steps] == ["npu", "host", "host"]
    assert found["store 0"] == 74
    assert (found["host 0"], found["host 1"]) == (74 + 32, 106 + 32)


def assert_equals_reference(program: Program) -> None:
    """Every job ends when the rules, solved one by one, say so."""
    jobs = all_jobs(program)
    moments = solve(program, jobs)
    run = timed(program, WHOLE_LOG)
    expected = [moments.get((number, "end"), 0) for number in range(len(jobs))]
    assert run.log["end"].tolist() == expected
    assert run.cycles == max(expected)


@settings(max_examples=40)
@given(random_programs())
def test_every_job_ends_when_the_rules_say(program):
    assert_equals_reference(program)


@settings(max_examples=40)
@given(scheduled_programs())
def test_scheduled_programs_follow_the_same_rules(program):
    assert_equals_reference(program)


@pytest.mark.slow
@settings(max_examples=1000)
@given(random_programs())
def test_every_job_of_many_programs_ends_when_the_rules_say(program):
    assert_equals_reference(program)


@given(random_programs())
def test_no_program_is_faster_than_its_array_and_its_ports(program):
    run = timed(program, WHOLE_LOG)
    machine, counts = program.machine, run.counts
    least = {
        "array": counts["macs"].sum() / machine.mac_units,
        "bus": (counts["dram_read"] + counts["dram_write"]).sum() / machine.dram_bytes_per_cycle,
        "read port": counts["sram_read"].sum() / machine.sram_read_bytes_per_cycle,
        "write port": counts["sram_write"].sum() / machine.sram_write_bytes_per_cycle,
    }
    assert {name: bound for name, bound in least.items() if bound > run.cycles + 1e-6} == {}


@given(random_programs())
def test_issued_macs_are_those_of_the_model(program):
    counts = count(program)
    for found in counts.steps:
        expected = found.step.nest.macs if found.step.on == "npu" else 0
        assert found.issued_macs == expected


@given(random_programs())
def test_bytes_counted_are_those_of_the_jobs(program):
    jobs = all_jobs(program)
    run = timed(program, WHOLE_LOG)
    for at, counted in enumerate(run.counts):
        own = jobs[jobs["step"] == at]
        loads = own[own["kind"] == LOAD]
        assert counted["weights_bytes"] == loads["bytes"][loads["stream"] == 0].sum()
        assert counted["inputs_bytes"] == loads["bytes"][loads["stream"] == 1].sum()
        assert counted["tiles"] == (own["kind"] == COMPUTE).sum()
        assert counted["jobs"] == own.size
