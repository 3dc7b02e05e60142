"""How products of integers are summed: on an array as its accumulators do, on a host exactly.

An operand of 16 bits makes a sum `wide`: it is held in int64, and the output stage adds the bias in
int64; sums of 8-bit operands (4-bit ones run as such) leave the array as int32, to which the output
stage adds the bias, wrapping. On an array of n-bit accumulators a sum is first wrapped to n bits,
or saturated to them after each addition, in the order of `npusim/numerics/accumulation.py`. A host
sums as frameworks do: int32 for 8-bit operands, int64 for wider ones.

Where the weights prove that no sum reaches the accumulator's limits, none of this changes a bit,
and the fast plain kernels serve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import Operator
from npusim.kernels.table import Kernels
from npusim.numerics.formats import Format

Geometry = tuple[int, int, int, int, int, int]

WIDEST_SATURATING = 62
"""Accumulators of more bits are not reached: 2^28 products of 16-bit operands stay below."""
_TOGETHER = 64
"""Filters that are looked at together, so that the largest layers are not held in int32."""


@dataclass(frozen=True)
class IntegerSums:
    """See the module's docstring; `tree` is None where sums wrap to `bits` bits."""

    kernels: Kernels
    wide: bool
    bits: int
    tree: int | None

    @staticmethod
    def of(
        op: Operator, formats: tuple[Format, Format], kernels: Kernels,
        greatest: Callable[[], int],
    ) -> IntegerSums:  # fmt: skip
        """The sums of operands of `formats`, of which none is greater than `greatest()`."""
        wide = max(fmt.bits for fmt in formats) > 8
        plain = IntegerSums(kernels, wide, 64 if wide else 32, None)
        how = kernels.accumulation
        if how is None:
            return plain
        if how.format.is_float:
            what = f"{op.kind} of stored integers can't be summed in {how.format.name}"
            raise UnsupportedModelError(Problem(op.kind, what))
        bits, saturates = how.format.bits, how.on_overflow == "saturate"
        enough = (bits >= plain.bits and not saturates) or bits > WIDEST_SATURATING
        if enough or greatest() < 2 ** (bits - 1):
            return plain
        return IntegerSums(kernels, wide, bits, how.tree if saturates else None)

    @property
    def is_plain(self) -> bool:
        """True if whole layers may be computed at once, whatever the order."""
        return self.tree is None and self.bits == (64 if self.wide else 32)

    @property
    def is_ordered(self) -> bool:
        """True if the order of the additions can change a sum."""
        return self.tree is not None

    @property
    def dtype(self) -> type:
        """What holds the partial sums."""
        return np.int64 if self.wide or self.is_ordered else np.int32

    def add(
        self, x: np.ndarray, w: np.ndarray, acc: np.ndarray, tile: Tile, geometry: Geometry,
        x_zero: int, w_zero: np.ndarray,
    ) -> None:  # fmt: skip
        """Add the products of `tile` to `acc`; arrays as the kernel `conv_accumulate` has them."""
        arguments = x, w, acc, tile, geometry, x_zero, w_zero
        if self.tree is not None:
            self.kernels.get("conv_accumulate_saturating")(*arguments, self.bits, self.tree)
        elif self.wide:
            self.kernels.get("conv_accumulate_wide")(*arguments)
        elif w.shape[1] == w.shape[4] == 1:
            self.kernels.get("depthwise_accumulate")(*arguments)
        else:
            self.kernels.get("conv_accumulate")(*arguments)

    def leave(self, acc: np.ndarray) -> np.ndarray:
        """The finished sums as the output stage gets them: int64 if wide, else int32."""
        if self.tree is None and self.bits < 8 * acc.itemsize:
            unused = 8 * acc.itemsize - self.bits
            acc = (acc << unused) >> unused
        return acc if self.wide else acc.astype(np.int32, copy=False)


def greatest_sum(
    x: Format, x_zero: int, weights: np.ndarray | None, w_zero: np.ndarray, w: Format, terms: int
) -> int:
    """No sum of products is greater in magnitude.

    `weights` [..., K, FY, FX, C] if they are constant, with zero points [..., K]; `terms` products
    make a sum.
    """
    if weights is None:
        return greatest_of(x, x_zero, w, int(np.abs(w_zero).max()) if w_zero.size else 0, terms)
    filters, zeros, most = weights.reshape(w_zero.size, *weights.shape[-3:]), w_zero.reshape(-1), 0
    for at in range(0, len(filters), _TOGETHER):
        some = slice(at, at + _TOGETHER)
        differences = filters[some].astype(np.int32) - zeros[some, None, None, None]
        most = max(most, int(np.abs(differences).sum((1, 2, 3), dtype=np.int64).max()))
    return most * _reach(x, x_zero)


def greatest_of(x: Format, x_zero: int, w: Format, w_zero: int, terms: int) -> int:
    """No sum of `terms` products is greater, for zero points of weights in -w_zero..w_zero."""
    return terms * _reach(x, x_zero) * max(_reach(w, w_zero), _reach(w, -w_zero))


def _reach(fmt: Format, zero: int) -> int:
    return max(fmt.high - zero, zero - fmt.low)
