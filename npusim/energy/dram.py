"""Energy of a byte to or from the second memory, and its background power.

Both come from the memory's table (`npusim/hardware/memories/`), which has a source for each. The
background (standby and refresh) costs power x time, not energy per access.
"""

from __future__ import annotations

from npusim.energy.figures import Figure, Kind
from npusim.hardware.memories import Figure as TableFigure
from npusim.hardware.schema import Hardware


def transfer(hardware: Hardware) -> Figure | None:
    """Energy of one byte moved, pJ/B, from the table; None where the table has none."""
    table = hardware.memory.dram.table
    entry = table.energy_pj_per_bit
    if entry is None:
        return None
    return Figure("dram", 8 * entry.value, "pJ/B", f"{table.name}: {entry.source}", _kind(entry))


def background(hardware: Hardware) -> Figure | None:
    """Standby and refresh power of all channels, W; None where the table has none."""
    dram = hardware.memory.dram
    entry = dram.table.background_w
    if entry is None:
        return None
    source = f"{dram.channels} x {dram.technology}: {entry.source}"
    return Figure("dram_background", dram.channels * entry.value, "W", source, _kind(entry))


def _kind(entry: TableFigure) -> Kind:
    """A confidence of L marks what was assumed; the rest was read somewhere."""
    return "assumed" if entry.confidence == "L" else "published"
