"""What an operator means to timing: loops, how each operand walks them, MACs and bytes.

The loops of every operator are B (batch), G (groups), K (output channels of a group), C (input
channels of a group), OY, OX (output pixels), FY, FX (filter taps). A matrix product has one pixel,
one tap, and B = rows. An element-wise operator has C = 1 and its channels in K.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

DIMS = ("B", "G", "K", "C", "OY", "OX", "FY", "FX")


class Unit(enum.Enum):
    """The part of an NPU that runs an operator; an ALIAS costs nothing (a view of its input)."""

    ARRAY = "array"
    VECTOR = "vector"
    ALIAS = "alias"


class Tile(NamedTuple):
    """Half-open bounds of one tile in the loops B, G, K, C, OY, OX; taps are never split."""

    b0: int
    b1: int
    g0: int
    g1: int
    k0: int
    k1: int
    c0: int
    c1: int
    y0: int
    y1: int
    x0: int
    x1: int


@dataclass(frozen=True)
class Operand:
    """One tensor seen from the loops: `dims` names the loops that move through it.

    `window` says that OY and OX reach it through the filter window (stride, taps, dilation,
    padding). `bits` is the storage width of an element. `role` is "input", "weight" or "output".
    `share` (numerator, denominator) says which part of the elements that these loops span the
    tensor has: less than all where outputs repeat values, or come from several inputs in turn.
    """

    tensor: str
    role: str
    bits: int
    dims: frozenset[str]
    window: bool = False
    share: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class LoopNest:
    """Loops and operands of one operator; see the module's docstring for the loops."""

    unit: Unit
    extents: tuple[int, int, int, int, int, int, int, int]
    operands: tuple[Operand, ...]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    """Rows above and columns left of the input."""
    input_size: tuple[int, int] = (1, 1)
    """Height and width of the windowed input."""
    rate: str = ""
    """Vector unit operation, a key of `vector_unit.rates`; empty on the array."""
    vector_ops: int = 0
    """Elementary vector operations in all; 0 on the array."""
    splits: frozenset[str] = field(default=frozenset({"B", "G", "K", "C", "OY", "OX"}))
    """Loops that may be cut into tiles."""
    keeps_rows: bool = False
    """True if output row y needs of each computed input its row y, or the window of row y."""
    useful_macs: int | None = None
    """Multiply-accumulates that the operator asks for, where the loops hold more than these."""

    @property
    def macs(self) -> int:
        """Nominal multiply-accumulates on the array: all iterations, or the useful ones."""
        if self.unit is not Unit.ARRAY:
            return 0
        return prod(self.extents) if self.useful_macs is None else self.useful_macs

    @property
    def whole(self) -> Tile:
        """The tile that is the whole operator."""
        b, g, k, c, oy, ox, _, _ = self.extents
        return Tile(0, b, 0, g, 0, k, 0, c, 0, oy, 0, ox)
