"""Energy inside an array of elements with scratchpads, and what a zero input saves.

    E = (MACs x (1 + 3 u) + fills) x e_scratchpad + hops x e_hop,   u = 1 - share of gated zeros

A MAC reads its input always; only where that is not zero it reads its weight, and reads and writes
its partial sum. A fill writes a word that came from SRAM; a hop takes one from element to element.
Words that come from SRAM travel through the array once more, like a hop. Ratios to a 16-bit MAC
where a description states no energies: scratchpad 1, hop 2 (Chen et al., ISCA 2016, 65 nm). That
gating stops the accesses to partial sums too agrees with the 45 % of an element's power that it
saves on AlexNet (JSSC 52(1), 2017): zeros are 57.5 % there, and four of the five parts are gated.
"""

from __future__ import annotations

from functools import lru_cache

from npusim.energy import arithmetic
from npusim.energy.figures import Figure, weighted_sum

SCRATCHPAD_OF_MAC = 1.0
HOP_OF_MAC = 2.0
_RATIO = "x a 16-bit MAC: Chen et al., ISCA 2016"


@lru_cache(maxsize=256)
def scratchpad_access(node_nm: float) -> Figure:
    """Energy of one word read from or written to an element's scratchpad, pJ."""
    return _of_mac("scratchpad", SCRATCHPAD_OF_MAC, node_nm)


@lru_cache(maxsize=256)
def hop(node_nm: float) -> Figure:
    """Energy of one word from an element to its neighbour, or from SRAM to an element, pJ."""
    return _of_mac("hop", HOP_OF_MAC, node_nm)


def _of_mac(name: str, ratio: float, node_nm: float) -> Figure:
    mac = arithmetic.mac("int16", "int16", "int16", node_nm)
    return weighted_sum(name, [(ratio, mac)], f"{ratio:g} {_RATIO}; {mac.source}", "derived")


def accesses(macs: float, gated: float, fills: float) -> float:
    """Accesses to scratchpads of `macs` MACs, of whose inputs a share `gated` is zero and gated."""
    return macs * (1.0 + 3.0 * (1.0 - gated)) + fills
