"""What the scale of a block of weights can be: any number, or a number of 8 bits beside the block.

    any         a float64
    e8m0        a power of two: OCP Microscaling 1.0 (MXFP4, MXINT8, ...: blocks of 32)
    fp8_e4m3    a number of OCP's E4M3 times one scale of the whole tensor (NVFP4: blocks of 16),
                which puts the greatest extreme of all blocks, unclipped, at E4M3's greatest number

How near a scale lies to the best one is what these cost; the search takes the best that exists.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name
from npusim.numerics.floats import LAYOUTS, rounded
from npusim.numerics.formats import FP8_E4M3

Array = np.ndarray
Snap = Callable[[Array], Array]
"""Scales to the nearest ones that exist."""

ANY, POWER_OF_TWO = "any", "e8m0"
BLOCK_SCALES = (ANY, POWER_OF_TWO, FP8_E4M3.name)
_E4M3 = LAYOUTS[FP8_E4M3.name]
LEAST_E4M3 = _E4M3.least_normal * 2.0**-_E4M3.mantissa_bits


def require_block_scale(kind: str) -> None:
    """UsageError if `kind` is none of `BLOCK_SCALES`."""
    if kind not in BLOCK_SCALES:
        hint = nearest_name(kind, BLOCK_SCALES)
        what = f"unknown kind of scale '{kind}'{hint}; known: {', '.join(BLOCK_SCALES)}"
        raise UsageError(Problem("block scale", what))


def snap_of(kind: str, greatest: float) -> Snap:
    """How scales become scales of `kind`, where `greatest` is the greatest unclipped one."""
    if kind == POWER_OF_TWO:
        return _power_of_two
    if kind == FP8_E4M3.name:
        whole = greatest / _E4M3.greatest

        def snapped(scale: Array) -> Array:
            near = rounded(scale / whole, FP8_E4M3, saturate=True)
            kept: Array = np.maximum(near, LEAST_E4M3) * whole
            return kept

        return snapped
    return lambda scale: scale


def _power_of_two(scale: Array) -> Array:
    """Nearest in the exponent."""
    power: Array = np.exp2(np.rint(np.log2(scale)))
    return power
