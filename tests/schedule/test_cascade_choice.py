"""Cascades worth a try, and the bounds that leave out those that cannot be better."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import npusim
from npusim.cost.machine import machine_of
from npusim.schedule.cascade import cascaded
from npusim.schedule.cascade_choice import least_weight_bytes
from npusim.schedule.estimate import LATENCY
from npusim.schedule.fixed import NOTHING_FIXED, Cascade
from npusim.schedule.lower import lower
from npusim.schedule.scheduler import build_program
from npusim.schedule.tiler import Aim, Tiler
from npusim.schedule.tiling import spaces_of
from npusim.timing.counts import latency_cycles, latency_run
from tests.support.cascades import cascades_of_graphs


@st.composite
def tilers(draw: st.DrawFn) -> Tiler:
    """A Tiler of steps with one cascade, on a machine whose SRAM may be too small for weights."""
    graph, hardware, lowered, cascade = draw(cascades_of_graphs(most_operators=4))
    striped = cascaded(graph, lowered, [cascade])
    return Tiler(graph, striped, hardware, machine_of(hardware), NOTHING_FIXED)


@given(tilers())
@settings(max_examples=40, deadline=None)
def test_no_program_moves_less_or_ends_earlier_than_the_bounds(tiler: Tiler) -> None:
    lowered = tiler.lowered
    plain = lower(tiler.graph, tiler.hardware, tiler.machine)
    least = least_weight_bytes(
        tiler.graph, plain, lowered.cascades, tiler.machine.sram_bytes
    )  # fmt: skip
    found = False
    for policy in tiler.policies():
        program = tiler.program(policy, 0, Aim(LATENCY, False))
        if program is not None:
            found = True
            moved = int(latency_run(program).counts["weights_bytes"].sum())
            assert least <= moved
            assert tiler.least_cycles(policy) <= latency_cycles(program)
    assume(found)


def test_low_stripes_of_heavy_layers_are_left_out_before_they_are_tiled() -> None:
    """Their weights alone, read for each row, take longer than the layers one by one."""
    graph = npusim.load_model("resnet-50").graph
    hardware = npusim.load_hardware("edge-npu-1", {"memory.dram.bandwidth": "2 GB/s"})
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    plain = latency_cycles(build_program(graph, hardware, latency_cycles))
    low = [Cascade(12, 22, 1), Cascade(23, 34, 1), Cascade(35, 45, 1), Cascade(46, 53, 1)]
    heavy = least_weight_bytes(graph, lowered, low, machine.sram_bytes)
    assert heavy / machine.dram_bytes_per_cycle > plain
    light = least_weight_bytes(graph, lowered, [Cascade(0, 2, 14)], machine.sram_bytes)
    assert light / machine.dram_bytes_per_cycle < plain


def test_stripes_inside_an_image_are_alike() -> None:
    """Only those whose windows reach beyond the image are searched on their own."""
    graph, hardware = npusim.load_model("mobilenet-v2").graph, npusim.load_hardware("edge-npu-1")
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    striped = cascaded(graph, lowered, [Cascade(1, 10, 1)])
    spaces = spaces_of(striped, hardware, machine, NOTHING_FIXED)
    plain = spaces_of(lowered, hardware, machine, NOTHING_FIXED)
    assert len(striped.steps) > 8 * len(lowered.steps)
    assert spaces.sizes.shape[0] < plain.sizes.shape[0] + 3 * 10
