"""Partial sums that wait in SRAM: what a row-stationary array reads and writes of them, by hand."""

from __future__ import annotations

import numpy as np

from npusim.execution.executor import Executor
from npusim.hardware.loader import load_hardware
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.fixed import Mapping, StepMapping
from npusim.schedule.program import Program
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cycles
from tests.support.counted import conv_graph

CHIP = load_hardware("eyeriss-v1")
OUTPUTS = 8 * 8 * 16


def program(channels_a_tile: int) -> Program:
    tile = StepMapping((1, 1, 16, channels_a_tile, 8, 8), "inputs_outer", "row_stationary", "K")
    return build_program(conv_graph(), CHIP, latency_cycles, mapping=Mapping({"conv": tile}))


def test_each_tile_but_the_ends_of_a_reduction_reads_and_writes_all_sums() -> None:
    """16 channels in tiles of 4: three tiles read sums of 16 bits, three write them."""
    whole, cut = (count(program(size)).steps[0] for size in (16, 4))
    assert whole.tiles == 1 and cut.tiles == 4
    one_way = OUTPUTS * 2
    passes = 2  # the array takes 8 channels of 3 x 3 at once with 2 sets: two passes inside a tile
    assert whole.sram_write_bytes >= (passes - 1) * one_way + OUTPUTS
    written = cut.sram_write_bytes - cut.loaded_bytes
    assert written == 3 * one_way + OUTPUTS
    assert cut.scratchpad_fills > 0 and cut.array_hops > 0


def test_execution_of_cut_reductions_gives_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(-128, 128, (1, 8, 8, 16)).astype(np.int8)
    found = []
    for size in (16, 4, 3):
        cut = program(size)
        executor = Executor(cut, profile_named(cut.graph.profile), kernels("reference"))
        found.append(executor.run({"in": image}, by_tiles=True)["out"])
    assert all(np.array_equal(found[0], other) for other in found[1:])
