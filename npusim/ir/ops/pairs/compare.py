"""Comparisons of two tensors, and logical functions of two truth values.

Inputs: a, b whose shapes broadcast: int8 or uint8 with scales, float32, or integers and truth
values that mean themselves. Output: bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.pairs.broadcast import Broadcast, is_plain, require_format
from npusim.ir.ops.vector import ElementwiseKernel, quantized
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import BOOL, INT16
from npusim.numerics.pairs import COMPARISONS, PlainPair, fixed_point_comparison, real_pair
from npusim.numerics.profiles import Profile

_ORDERS = ("greater", "greater_equal", "less", "less_equal")


@dataclass(frozen=True)
class Compare(Broadcast):
    """Attribute: which function, a key of `COMPARISONS` (`equal`, `less`, `logical_and`, ...)."""

    relation: str

    kind: ClassVar[str] = "compare"
    rate: ClassVar[str] = "max"
    quantizable: ClassVar[bool] = False

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The comparison in the arithmetic of `profile`."""
        a, b = inputs
        assert a is not None and b is not None
        out = outputs[0]
        if out.format != BOOL:
            what = f"compare gives bool, '{out.name}' is {out.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        if is_plain(a):
            require_format(self, b, a.format, out)
            require_format(self, a, a.format, out)
            plain = PlainPair(COMPARISONS[self.relation], None, None)
            return ElementwiseKernel(kernels.get("pair_plain"), plain, out.channel_axis)
        qa, qb = quantized(self, a), quantized(self, b)
        arithmetic = profile.arithmetic(self.kind, a.format.name)
        parameters: Any
        if arithmetic == "double_rounding" and self.relation in _ORDERS and a.format == INT16:
            name, parameters = "pair_plain", PlainPair(COMPARISONS[self.relation], None, None)
        elif arithmetic == "through_float":
            parameters = real_pair(self.relation, qa, qb, None, (0, 1))
            name = "pair_through_float"
        else:
            parameters = fixed_point_comparison(self.relation, qa, qb)
            name = f"compare_{arithmetic}"
        return ElementwiseKernel(kernels.get(name), parameters, out.channel_axis)
