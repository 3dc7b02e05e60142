"""Bits of two integers that mean themselves: and, or, exclusive or, shifts.

Inputs: a, b whose shapes broadcast, integers of one format without a scale. Output: that format.
A shift to the right keeps the sign; one by the width or more leaves 0, or -1 of negative values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.pairs.broadcast import Broadcast, require_format
from npusim.ir.ops.vector import ElementwiseKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import BOOL
from npusim.numerics.pairs import BITWISE, PlainPair
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Bitwise(Broadcast):
    """Attribute: which function, a key of `BITWISE`."""

    function: str

    kind: ClassVar[str] = "bitwise"
    rate: ClassVar[str] = "max"
    quantizable: ClassVar[bool] = False

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same under every profile."""
        out = outputs[0]
        if not out.format.is_integer or out.format == BOOL or out.format.bits < 8:
            what = f"{self.kind} takes integers of 8 bits and more, not {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        for tensor in (*inputs, out):
            assert tensor is not None
            require_format(self, tensor, out.format, out)
        plain = PlainPair(BITWISE[self.function], None, None)
        return ElementwiseKernel(kernels.get("pair_plain"), plain, out.channel_axis)
