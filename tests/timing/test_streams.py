"""A read port shared in turn, room in banks, start and end of a hardware layer: by hand.

The machine is nv_small with a memory of 20 cycles that gives a beat of 8 bytes a cycle, reads and
writes apart. A 1x1 convolution of 8 channels to 8 kernels loads 8 beats of weights (the granule of
128 bytes makes them 16) and a beat a pixel.
"""

from __future__ import annotations

from typing import Any

import pytest

from npusim.ir.graph import Graph
from npusim.schedule.program import Program
from npusim.schedule.tables import COMPUTE, INPUTS, LOAD, POST, WEIGHTS
from npusim.timing.counts import count, timed
from npusim.timing.records import WHOLE_LOG
from tests.support.graphs import Build
from tests.support.machines import machine_with
from tests.support.programs import all_jobs, program_of

START, TAIL = 62, 41 + 16 * 8
WEIGHT_BEATS = 16


def nv_small(**changes: Any) -> Any:
    """nv_small on a memory whose cycles are easily counted."""
    return machine_with("nvdla-nv-small", **{
        "memory__dram__technology": "sram_port", "memory__dram__latency": "20 cycles",
        "memory__dram__bandwidth": "8 GB/s", "memory__dram__burst": "8 B",
        "memory__dram__duplex": True,
        "overheads__per_inference": "0 us", "dma__outstanding": 256,
        "output_stage__rate": "1 elements/cycle", "mapping__data_banks": 4, **changes,
    })  # fmt: skip


def convolution(side: int, kernels: int = 8, channels: int = 8) -> Graph:
    """One 1x1 convolution of a square image."""
    build = Build()
    build.conv(build.input(1, side, side, channels), kernels)
    return build.graph()


def moments(program: Program) -> dict[str, tuple[int, int]]:
    """(held, end) of each job: `weights 0`, `inputs 0`, `compute 0`, `post 0`, ..."""
    log = timed(program, WHOLE_LOG).log
    log = log[log["job"].argsort()]
    found: dict[str, tuple[int, int]] = {}
    for job, entry in zip(all_jobs(program), log, strict=True):
        name = {COMPUTE: "compute", POST: "post"}.get(int(job["kind"]), "other")
        if job["kind"] == LOAD:
            name = "weights" if job["stream"] == WEIGHTS else "inputs"
            assert job["stream"] in (WEIGHTS, INPUTS)
        number = sum(key.startswith(name) for key in found)
        found[f"{name} {number}"] = int(entry["held"]), int(entry["end"])
    return found


def test_two_streams_take_beats_in_turn():
    """64 beats of inputs: 16 share the port with the weights, 48 have it alone."""
    found = moments(program_of(convolution(8), nv_small()))
    assert found["weights 0"][1] == 2 * WEIGHT_BEATS + 20
    assert found["inputs 0"][1] == WEIGHT_BEATS + 64 + 20


@pytest.mark.parametrize("latency", [20, 21, 22, 23])
def test_the_first_mac_follows_the_last_operand(latency):
    found = moments(program_of(convolution(8), nv_small(memory__dram__latency=f"{latency} cycles")))
    arrived = max(found["inputs 0"][1], found["weights 0"][1])
    assert arrived == WEIGHT_BEATS + 64 + latency
    assert found["compute 0"][0] == arrived + START


def test_a_layer_ends_with_the_outputs_of_its_last_stripe():
    """64 pixels take as long in the array as a quarter of their outputs in the output stage."""
    program = program_of(convolution(4, channels=256), nv_small())
    found = moments(program)
    assert found["compute 0"][1] - found["compute 0"][0] == 32 * 16
    assert found["post 0"][1] == found["compute 0"][1] + TAIL
    assert count(program).cycles == found["post 0"][1]


def test_an_output_stage_that_falls_behind_holds_the_array():
    found = moments(program_of(convolution(8), nv_small()))
    start, end = found["compute 0"]
    assert end - start > 64
    assert found["post 0"][1] == end + TAIL
    assert found["post 0"][1] - found["post 0"][0] == 64 * 8


def test_a_stream_is_limited_by_its_own_bursts_in_flight():
    """5 beats in 20 cycles: four cycles a beat, of which weights take what is left."""
    found = moments(program_of(convolution(8), nv_small(dma__outstanding=5)))
    assert found["inputs 0"][1] == 4 * 64 + 20
    assert found["weights 0"][1] == pytest.approx(WEIGHT_BEATS * 4 / 3 + 20, abs=1)


def test_weights_run_ahead_as_far_as_their_banks_reach():
    """Kernel groups of 64 beats in 4 KiB: 8 of them are there before the first one is used."""
    wide = convolution(8, kernels=96, channels=64)
    roomy = moments(program_of(wide, nv_small()))
    tight = moments(program_of(wide, nv_small(mapping__weight_banks=1)))
    for group in range(8):
        assert tight[f"weights {group}"] == roomy[f"weights {group}"]
    assert tight["weights 8"][1] > roomy["weights 8"][1]
    assert tight["weights 8"][1] == tight["compute 0"][1] + 64 + 20


def two_layers(dependent: bool) -> Graph:
    """Two convolutions: the second one reads what the first one wrote, or an input of its own."""
    build = Build()
    first = build.input(1, 8, 8, 8)
    second = build.input(1, 8, 8, 8)
    out = build.conv(first, 8)
    build.conv(out if dependent else second, 8)
    return build.graph()


def test_an_independent_layer_loads_while_the_one_before_computes():
    found = moments(program_of(two_layers(False), nv_small()))
    assert found["inputs 1"][1] < found["compute 0"][1]
    assert found["compute 1"][0] == found["compute 0"][1] + START


def test_a_dependent_layer_waits_for_the_outputs_before():
    found = moments(program_of(two_layers(True), nv_small()))
    assert found["weights 1"][1] < found["compute 0"][1]
    assert found["inputs 1"][1] == found["post 0"][1] + 64 + 20
    assert found["compute 1"][0] == found["inputs 1"][1] + START


def test_no_stream_goes_on_to_a_layer_before_both_have_loaded_this_one():
    """The second layer's weights do not take beats from the first layer's inputs."""
    alone = moments(program_of(convolution(8), nv_small()))
    both = moments(program_of(two_layers(False), nv_small()))
    assert both["inputs 0"] == alone["inputs 0"]
    assert both["weights 1"][1] == both["inputs 0"][1] + 2 * WEIGHT_BEATS


def test_the_largest_input_tile_that_fits_is_taken():
    """4 banks of 4 KiB hold 2048 pixels of 8 channels."""
    program = program_of(convolution(64), nv_small())
    assert int(program.table[0]["tile_oy"]) == 32
    assert int(program.table[0]["tile_ox"]) == 64
    assert int(program.table[0]["tile_k"]) == 8
