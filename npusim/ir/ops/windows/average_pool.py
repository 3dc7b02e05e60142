"""Average over a window.

Input: x int8, uint8 or float32 [B, H, W, K] (or channels first). Output [B, OY, OX, K]. The divisor
is the number of taps inside the image (TFLite, ONNX by default); with `count_include_pad` padding
counts as the real value 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import Tile
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.products.real_products import require_real
from npusim.ir.ops.vector import part, quantized, rescaled
from npusim.ir.ops.windows.pooling import Pooling
from npusim.ir.ops.windows.window import Window
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape, channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.pooling import AVERAGE_PARAMETERS, KEEPS_SCALE
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import clamp_range


@dataclass(frozen=True)
class AveragePool(Pooling):
    """Attributes of an average pooling."""

    count_include_pad: bool = False

    kind: ClassVar[str] = "average_pool"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Average in the arithmetic of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if x.format == FP32:
            require_real(self, out)
            name = "average_pool_float32"
            return _AveragePoolKernel(self, kernels, name, self.activation.value, x.shape)
        qx, qy = quantized(self, x), quantized(self, out)
        arithmetic = profile.arithmetic(self.kind, x.format.name)
        rounding = profile.clamp(self.kind, out.format.name)
        clamp = clamp_range(self.activation, out.format, qy, rounding)
        if x.format != out.format:
            what = f"average_pool keeps the format, but '{x.name}' is {x.format.name}"
            raise UnsupportedModelError(Problem(out.name, what))
        given = qx if arithmetic in KEEPS_SCALE else qy
        bounds = clamp if given.same_as(qy) else (out.format.low, out.format.high)
        parameters = AVERAGE_PARAMETERS[arithmetic](qx, given, bounds)
        name = f"average_pool_{arithmetic}"
        kernel = _AveragePoolKernel(self, kernels, name, parameters, x.shape)
        return rescaled(kernel, given, out, clamp, profile, kernels)


@dataclass(frozen=True, eq=False)
class _AveragePoolKernel:
    op: AveragePool
    kernels: Kernels
    name: str
    parameters: Any
    x_shape: tuple[int, ...]

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        op = self.op
        x = channels_last(inputs[0], op.channel_axis)
        out = part(channels_last(outputs[0], op.channel_axis), tile)
        divisors = self._divisors()[tile.y0 : tile.y1, tile.x0 : tile.x1]
        self.kernels.get(self.name)(x, out, tile, op.window.geometry, divisors, self.parameters)

    def _divisors(self) -> np.ndarray:
        """int64 [OY, OX]: the taps that each output pixel divides by."""
        window = self.op.window
        _, height, width, _ = canonical_shape(self.x_shape, self.op.channel_axis)
        top, left, bottom, right = window.padding
        margins = (top, left, bottom, right) if self.op.count_include_pad else (0, 0, 0, 0)
        rows = _taps_inside(window, 0, height, (top, bottom), (margins[0], margins[2]))
        cols = _taps_inside(window, 1, width, (left, right), (margins[1], margins[3]))
        divisors: np.ndarray = np.multiply.outer(rows, cols)
        return divisors


def _taps_inside(
    window: Window, axis: int, extent: int, padding: tuple[int, int], margin: tuple[int, int]
) -> np.ndarray:
    """For each output position the number of taps in [-margin before, extent + margin after)."""
    taps, stride, dilation = window.size[axis], window.stride[axis], window.dilation[axis]
    span = (taps - 1) * dilation + 1
    positions = (extent + sum(padding) - span) // stride + 1
    seen = np.arange(positions)[:, None] * stride + np.arange(taps) * dilation - padding[0]
    inside: np.ndarray = (seen >= -margin[0]) & (seen < extent + margin[1])
    counts: np.ndarray = inside.sum(axis=1)
    return counts
