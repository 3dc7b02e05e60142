"""Normalization to unit length along an axis: x / sqrt(sum(x^2)), or x / sum(abs(x)).

Input: x int8, uint8 or float32, any rank. Output: the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.norms.normalization import uncut_along
from npusim.ir.ops.pairs.broadcast import is_plain, require_format
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import quantized, rescaled, vector_nest
from npusim.ir.ops.whole import WholeKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.reductions import SHIFTS_FIRST, UnitLength, unit_output


@dataclass(frozen=True)
class L2Normalization(Operator):
    """Attributes: the axis, and the order of the norm, 2 or 1."""

    axis: int = -1
    order: int = 2

    kind: ClassVar[str] = "l2_normalization"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x; ValueError if it has no such axis."""
        x = inputs[0]
        assert x is not None
        normal_axis(self.axis, len(x.shape))
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One step an element; a row is never cut."""
        out = outputs[0]
        splits = uncut_along(out, frozenset({self.axis % len(out.shape)}))
        return vector_nest(inputs, outputs, "norm", splits=splits)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Normalization in the arithmetic of `profile`; it knows order 2 only in integers."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if is_plain(out):
            require_format(self, x, FP32, out)
            require_format(self, out, FP32, out)
            return self._on_floats(out, kernels)
        arithmetic = profile.arithmetic(self.kind, x.format.name)
        if arithmetic == "through_float":
            real = self._on_floats(out, kernels)
            return through_float(self, real, inputs, out, profile, kernels)
        if self.order != 2:
            what = f"a norm of order {self.order} has no arithmetic in {profile.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        qx = quantized(self, x)
        quantized(self, out)
        clamp = (out.format.low, out.format.high)
        given = unit_output(clamp)
        parameters = UnitLength(
            qx.scalar_zero_point, SHIFTS_FIRST[arithmetic], given.scalar_zero_point, *clamp
        )
        function = kernels.get("l2_normalization_fixed_point")
        kernel = self._kernel(out, function, parameters, out.format.dtype)
        return rescaled(kernel, given, out, clamp, profile, kernels)

    def _on_floats(self, out: Tensor, kernels: Kernels) -> VectorKernel:
        function = kernels.get("l2_normalization_float32")
        return self._kernel(out, function, self.order, FP32.dtype)

    def _kernel(self, out: Tensor, function: Any, parameters: Any, dtype: str) -> VectorKernel:
        def normalized(inputs: Sequence[np.ndarray]) -> np.ndarray:
            whole = np.empty(inputs[0].shape, dtype)
            rows = np.moveaxis(inputs[0], self.axis, -1)
            function(rows, np.moveaxis(whole, self.axis, -1), parameters)
            return whole

        return WholeKernel(normalized, out.channel_axis)
