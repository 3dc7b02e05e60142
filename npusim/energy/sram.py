"""Energy of a byte to or from on-chip SRAM, and its leakage.

The tables give one energy per 64-bit access for three capacities at two nodes; between them the
lines are straight in the logarithms of capacity and of node. An access is charged with the whole
capacity, since the large ones of the table are built of banks too and their figure includes the
wires. The tables do not tell reads from writes. They are for 64-bit words: CACTI 7 at 22 nm finds
a byte of a 256-bit word at about half the energy, which a description can state.
"""

from __future__ import annotations

from functools import lru_cache

from npusim.energy.figures import NEW_NODE_NM, OLD_NODE_NM, Figure, at_node, log_log

ACCESS_64_BIT_PJ: dict[float, dict[float, float]] = {
    OLD_NODE_NM: {8: 10.0, 32: 20.0, 1024: 100.0},
    NEW_NODE_NM: {8: 7.5, 32: 8.5, 1024: 14.0},
}
"""Node in nm, capacity in KiB, pJ per 64-bit access; the sources are in `figures.ANCHORS`."""

LEAKAGE_W_PER_KIB = 16e-6
"""Assumed: middle (geometric) of 5 to 50 uW per KiB, our guess for edge chips at any node. NeuSim's
TPUv4 memory has 166; CACTI 7 at 22 nm has 0.24 (low standby power) to 300 (high performance)."""


@lru_cache(maxsize=256)
def access(size_bytes: int, node_nm: float) -> Figure:
    """Energy of one byte read or written in an SRAM of `size_bytes`, pJ/B."""
    size_kib = size_bytes / 1024
    sizes = ACCESS_64_BIT_PJ[OLD_NODE_NM]
    old, new = (
        log_log(size_kib, ACCESS_64_BIT_PJ[node]) / 8 for node in (OLD_NODE_NM, NEW_NODE_NM)
    )
    figure = at_node("sram", (old, new), "pJ/B", node_nm)
    source = f"64-bit access of {size_kib:g} KiB; {figure.source}"
    kind = figure.kind
    if size_kib not in sizes:
        within = min(sizes) < size_kib < max(sizes)
        source += "" if within else f"; extrapolated to {size_kib:g} KiB"
        kind = "derived" if not within or kind == "derived" else "interpolated"
    return Figure("sram", figure.value, "pJ/B", source, kind, node_nm)


def leakage_w(size_bytes: int) -> float:
    """Leakage of an SRAM of `size_bytes`, watts."""
    return LEAKAGE_W_PER_KIB * size_bytes / 1024
