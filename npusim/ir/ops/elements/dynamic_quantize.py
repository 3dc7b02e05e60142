"""From float32 to uint8 with a scale that is found at run time (ONNX's DynamicQuantizeLinear).

Input: x float32. Outputs: the integers, uint8 in the shape of x; their scale, float32 []; their
zero point, uint8 []. The integers carry no scale that is known before the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import NO_SPLITS, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Quantization
from npusim.numerics.rescale import Affine


@dataclass(frozen=True)
class DynamicQuantize(Operator):
    """No attributes: the range is that of the values, 0 included."""

    kind: ClassVar[str] = "dynamic_quantize"
    quantizable: ClassVar[bool] = False
    takes_narrow_floats: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x, and twice a scalar."""
        x = inputs[0]
        if x is None or x.size == 0:
            raise ValueError("there are no values to find a range of")
        return [x.shape, (), ()]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """Two steps an element: one to find the range, one to round."""
        nest = vector_nest(inputs, outputs, "requantize", splits=NO_SPLITS)
        scalars = [Operand(t.name, "output", t.format.bits, frozenset()) for t in outputs[1:]]
        return replace(
            nest, operands=(*nest.operands, *scalars), vector_ops=2 * nest.vector_ops
        )  # fmt: skip

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The rounding of `profile` in the range of the whole tensor."""
        x = inputs[0]
        if x is None or x.format != FP32 or outputs[0].format != UINT8:
            what = f"{self.kind} takes float32 and gives uint8"
            raise UnsupportedModelError(Problem(outputs[0].name, what))
        return _DynamicKernel(kernels, profile.arithmetic("quantize", UINT8.name))


@dataclass(frozen=True, eq=False)
class _DynamicKernel:
    """Quantizes the whole tensor, whatever the tile: the range is that of all values."""

    kernels: Kernels
    arithmetic: str

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        stored, scale, zero = outputs
        found = Quantization.covering(inputs[0], UINT8)
        bounds = UINT8.low, UINT8.high
        parameters = Affine(found.scalar_scale, found.scalar_zero_point, *bounds)
        self.kernels.get(f"quantize_{self.arithmetic}")(inputs[0], stored, parameters)
        scale[...], zero[...] = found.scalar_scale, found.scalar_zero_point
