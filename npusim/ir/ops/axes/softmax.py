"""Softmax along an axis: exp(beta * x) divided by its sum.

Input: x int8, uint8, int16 or float32, any rank. Output: the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.products.real_products import require_real
from npusim.ir.ops.vector import (
    NO_SPLITS,
    part,
    quantized,
    require_one_width,
    rescaled,
    vector_nest,
)
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.softmax import FIXED_OUTPUT, SOFTMAX_PARAMETERS, fixed_output


@dataclass(frozen=True)
class Softmax(Operator):
    """Attributes of a softmax."""

    beta: float = 1.0
    axis: int = -1

    kind: ClassVar[str] = "softmax"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x; ValueError if it has no such axis."""
        x = inputs[0]
        assert x is not None
        normal_axis(self.axis, len(x.shape))
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One step an element; a row is never cut."""
        rows = frozenset({"B", "OY", "OX"}) if self._along_channels(outputs[0]) else NO_SPLITS
        return vector_nest(inputs, outputs, "softmax", splits=rows)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Softmax in the arithmetic of `profile`."""
        x, out = inputs[0], outputs[0]
        axis = None if self._along_channels(out) else self.axis
        if x is not None and x.format == FP32:
            require_real(self, out)
            function = kernels.get("softmax_float32")
            return _SoftmaxKernel(function, self.beta, axis, out.channel_axis)
        assert x is not None
        qx, qy = quantized(self, x), quantized(self, out)
        require_one_width(self, x, out)
        arithmetic = profile.arithmetic(self.kind, out.format.name)
        clamp = (out.format.low, out.format.high)
        given = fixed_output(clamp) if arithmetic in FIXED_OUTPUT else qy
        parameters = SOFTMAX_PARAMETERS[arithmetic](
            qx, given, self.beta, clamp, out.shape[self.axis]
        )
        function = kernels.get(f"softmax_{arithmetic}")
        kernel = _SoftmaxKernel(function, parameters, axis, out.channel_axis)
        return rescaled(kernel, given, out, clamp, profile, kernels)

    def _along_channels(self, out: Tensor) -> bool:
        rank = len(out.shape)
        return self.axis % rank == out.channel_axis % rank


@dataclass(frozen=True, eq=False)
class _SoftmaxKernel:
    """Calls `function(x [..., n], out [..., n], parameters)`; `axis` None: along the channels."""

    function: Any
    parameters: Any
    axis: int | None
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        x, out = inputs[0], outputs[0]
        if self.axis is None:
            x, out = (part(channels_last(a, self.channel_axis), tile) for a in (x, out))
        else:
            x, out = np.moveaxis(x, self.axis, -1), np.moveaxis(out, self.axis, -1)
        self.function(x, out, self.parameters)
