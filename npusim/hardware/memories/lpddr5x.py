"""LPDDR5X-8533, JESD209-5B: LPDDR5 at a higher data rate; one x16 channel with bank groups.

The array is LPDDR5's, so its timing in nanoseconds is taken from there.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.hardware.memories.lpddr5 import LPDDR5_6400
from npusim.hardware.memories.technology import Figure, RowTiming

_LPDDR5 = LPDDR5_6400.rows
assert isinstance(_LPDDR5, RowTiming)

LPDDR5X_8533 = replace(
    LPDDR5_6400,
    name="lpddr5x-8533",
    transfers_per_s=Figure(8533e6, "speed grade in the name", "H"),
    rows=replace(
        _LPDDR5, source=f"assumed equal in ns to LPDDR5-6400: {_LPDDR5.source}", confidence="L"
    ),
    energy_pj_per_bit=Figure(
        5.0, "middle of 4 to 6 for LPDDR5 and 5X: no figure of its own was found", "L"
    ),
)
