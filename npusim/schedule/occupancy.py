"""What lies in SRAM during each step of a Program.

    used = weights that stay across inferences + tensors that stay + holes between them
         + buffers of the step's tiles + first weights of the next step, where they come early,
         and what is kept free below those for the tensors of the next step

The most of it over all steps is `Program.sram_peak_bytes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.jit import compiled
from npusim.schedule.estimate import grid_of, largest_part
from npusim.schedule.program import Program
from npusim.schedule.residency import top_bytes
from npusim.schedule.tables import INPUTS, OUTPUTS, WEIGHTS
from npusim.schedule.tiles import stream_bytes


@dataclass(frozen=True)
class Occupancy:
    """Bytes of SRAM during one step, by what they hold.

    `holes` are lost between tensors, `reserved` is kept free for tensors of the next step.
    """

    weights_bytes: int
    tensors_bytes: int
    holes_bytes: int
    buffers_bytes: int
    early_weights_bytes: int
    reserved_bytes: int

    @property
    def total_bytes(self) -> int:
        """All bytes that the step keeps from others."""
        held = self.weights_bytes + self.tensors_bytes + self.holes_bytes
        return held + self.buffers_bytes + self.early_weights_bytes + self.reserved_bytes


def occupancy_of(program: Program) -> tuple[Occupancy, ...]:
    """The occupancy of every step of `program`, in order."""
    steps = len(program.steps)
    placed = dict(program.placements)
    top = top_bytes(placed, steps)
    live = [0] * steps
    for placement in placed.values():
        for at in range(placement.first, placement.last + 1):
            live[at] += placement.size_bytes
    buffers = buffers_of(program.table, program.operands)
    found = []
    for at in range(steps):
        early = reserved = 0
        if at + 1 < steps and program.table[at + 1]["prefetch"]:
            early = int(buffers[at + 1, 1])
            reserved = max(0, top[at + 1] - top[at])
        holes = top[at] - live[at]
        tiles = int(buffers[at, 0])
        found.append(Occupancy(program.pinned_bytes, live[at], holes, tiles, early, reserved))
    return tuple(found)


@compiled
def buffers_of(table: np.ndarray, operands: np.ndarray) -> np.ndarray:
    """int64 [steps, 2]: bytes of all buffers of each step, and of those for weights alone."""
    found = np.zeros((table.size, 2), np.int64)
    for at in range(table.size):
        row = table[at]
        tile = largest_part(row, grid_of(row))
        weights = stream_bytes(row, operands, WEIGHTS, tile) * row["buffers_weights"]
        found[at, 0] = (
            weights
            + stream_bytes(row, operands, INPUTS, tile) * row["buffers_inputs"]
            + stream_bytes(row, operands, OUTPUTS, tile) * row["buffers_outputs"]
        )
        found[at, 1] = weights
    return found
