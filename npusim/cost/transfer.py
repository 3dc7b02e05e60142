"""Cycles of data on the move: the data phase of a DMA transfer, and the SRAM ports.

A transfer costs set-up on its channel, then the latency of the memory, then its data phase:
bus bytes / bandwidth, where every contiguous run fills whole bursts.

Reads and writes of an SRAM have a port each, or take turns on one. Its banks serve one access each
a cycle. Streams that go up through interleaved banks settle into phases without conflicts (Oed and
Lange 1985, "On the effective bandwidth of interleaved memories in vector processor systems"), so
what banks limit is all streams together: banks x width a cycle.
"""

from __future__ import annotations

from npusim.cost.machine import Machine
from npusim.jit import compiled


@compiled
def cycles_at(amount: float, per_cycle: float) -> int:
    """Whole cycles for `amount` bytes or elements at `per_cycle` a cycle, rounded up.

    A cycle that would be needed for less than a millionth of its work is rounding noise, not work.
    """
    whole = int(amount / per_cycle)
    return whole if amount - whole * per_cycle <= 1e-6 * per_cycle else whole + 1


@compiled
def shared_cycles(port_cycles: int, bytes_: int, machine: Machine) -> int:
    """Cycles that an access of `port_cycles` on its port takes of what all ports share, if any."""
    if machine.sram_one_port:
        return port_cycles
    if machine.sram_banks_bytes_per_cycle > 0.0:
        return cycles_at(bytes_, machine.sram_banks_bytes_per_cycle)
    return 0
