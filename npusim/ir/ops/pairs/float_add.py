"""Sum of two tensors that its framework computes in float32 only; see `pairwise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.numerics.elementwise import ADD_PARAMETERS


@dataclass(frozen=True)
class FloatAdd(Pairwise):
    """ONNX's Sum: no kernel of ONNX Runtime adds stored integers for it, unlike for Add."""

    kind: ClassVar[str] = "float_add"
    rate: ClassVar[str] = "add"
    kernel: ClassVar[str] = "add"
    parameters = ADD_PARAMETERS
