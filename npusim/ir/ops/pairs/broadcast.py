"""What operators on tensors that broadcast share: the shape of the result and the loops.

Inputs: two or three tensors whose shapes broadcast. Output: one value an element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator
from npusim.ir.ops.vector import vector_nest
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import BOOL, FP16, Format


@dataclass(frozen=True)
class Broadcast(Operator):
    """Base of the operators with broadcasting. `rate` is the vector unit's."""

    keeps_axes: ClassVar[bool] = True
    rate: ClassVar[str]

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The broadcast shape."""
        shapes = [tensor.shape for tensor in inputs if tensor is not None]
        return [np.broadcast_shapes(*shapes)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One operation an output element."""
        return vector_nest(inputs, outputs, self.rate)


def is_plain(tensor: Tensor) -> bool:
    """True for values that mean themselves: reals, and integers without a scale."""
    return tensor.quantization is None


def require_number(op: Operator, tensor: Tensor) -> None:
    """Refuse truth values where arithmetic is done: no framework defines it."""
    if tensor.format == BOOL:
        what = f"{op.kind} of truth values ('{tensor.name}' is bool) is not defined"
        raise UnsupportedModelError(Problem(tensor.name, what))


def require_format(op: Operator, tensor: Tensor, fmt: Format, out: Tensor) -> None:
    """Refuse `tensor` for `out` unless it is plain and of format `fmt`; float16 in any case."""
    if tensor.format != fmt or not is_plain(tensor) or fmt == FP16:
        what = f"{op.kind} of '{tensor.name}' ({tensor.format.name}) as {fmt.name} is not supported"
        raise UnsupportedModelError(Problem(out.name, what))
