"""What lies in SRAM during each step of a Program.

    used = weights that stay across inferences + tensors that stay + holes between them
         + buffers of the step's tiles + first weights of the next step, where they come early,
         and what is kept free below those for the tensors of the next step

The most of it over all steps is `Program.sram_peak_bytes`.
"""

from __future__ import annotations

from dataclasses import dataclass

from npusim.schedule.program import Program
from npusim.schedule.residency import top_bytes


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
    found = []
    for at in range(steps):
        tiles, early = int(program.buffer_bytes[at]), int(program.early_bytes[at])
        reserved = max(0, top[at + 1] - top[at]) if early else 0
        holes = top[at] - live[at]
        found.append(Occupancy(program.pinned_bytes, live[at], holes, tiles, early, reserved))
    return tuple(found)
