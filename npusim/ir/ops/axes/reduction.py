"""What sums, means, extrema and the like along axes share.

Input: x, any rank: int8, uint8 or int16 with a scale, float32, or integers that mean themselves.
Output: x without the reduced axes, or with extent 1 there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.pairs.broadcast import is_plain, require_format, require_number
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import part, quantized, require_one_width, vector_nest
from npusim.ir.ops.whole import WholeKernel
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.reductions import PLAIN_REDUCTIONS, RealReduction


@dataclass(frozen=True)
class Reduction(Operator):
    """Attributes; `axes` may be negative, and none reduces nothing. `kind` names the function."""

    axes: tuple[int, ...]
    keep_dims: bool = False

    keeps_axes: ClassVar[bool] = True
    rate: ClassVar[str] = "mean"
    kernel: ClassVar[str] = ""
    """Beginning of the names of the kernels in integers; `kind` if empty."""
    parameters: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Parameters of each arithmetic in integers, from the quantization of x and output, the number
    of elements that make one, and the clamp. Besides these every kind knows `through_float`."""

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x after the reduction."""
        x = inputs[0]
        assert x is not None
        if any(not -len(x.shape) <= axis < len(x.shape) for axis in self.axes):
            raise ValueError(f"axes {self.axes} are outside the shape {x.shape}")
        reduced = self.reduced(x.shape)
        if self.keep_dims:
            return [tuple(1 if a in reduced else e for a, e in enumerate(x.shape))]
        return [tuple(e for a, e in enumerate(x.shape) if a not in reduced)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One operation an input element; any part of the output may be computed alone."""
        x = inputs[0]
        assert x is not None
        extents = [x.shape[axis] for axis in self.reduced(x.shape)]
        taps = (prod(extents[:-1]), prod(extents[-1:]))
        nest = vector_nest(inputs, outputs, self.rate, taps=taps, whole_inputs=True)
        return replace(nest, input_size=taps)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The reduction in the arithmetic of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if is_plain(out):
            require_number(self, x)
            return self._plain(x, out, kernels)
        qx, qy = quantized(self, x), quantized(self, out)
        require_one_width(self, x, out)
        arithmetic = profile.arithmetic(self.row(), x.format.name)
        if arithmetic == "through_float":
            real = self._on_floats(x, out, kernels)
            return through_float(self, real, inputs, out, profile, kernels)
        axes = self.reduced(x.shape)
        count = prod(x.shape[axis] for axis in axes)
        parameters = self.parameters[arithmetic](qx, qy, count, (out.format.low, out.format.high))
        function = kernels.get(f"{self.kernel or self.kind}_{arithmetic}")
        return RowsKernel(function, parameters, axes, out.channel_axis)

    def row(self) -> str:
        """The row of the profile."""
        return self.kind

    def reduced(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The reduced axes, none negative, in ascending order."""
        return tuple(sorted({axis % len(shape) for axis in self.axes}))

    def _plain(self, x: Tensor, out: Tensor, kernels: Kernels) -> VectorKernel:
        require_format(self, x, out.format, out)
        if out.format == FP32:
            return self._on_floats(x, out, kernels)
        if self.kind not in PLAIN_REDUCTIONS:
            what = f"{self.kind} of {x.format.name} is not supported"
            raise UnsupportedModelError(Problem(out.name, what))
        function = kernels.get("reduce_plain")
        return RowsKernel(function, self.kind, self.reduced(x.shape), out.channel_axis)

    def _on_floats(self, x: Tensor, out: Tensor, kernels: Kernels) -> VectorKernel:
        function = kernels.get("reduce_float32")
        parameters = RealReduction(self.row(), self.reduced(x.shape))

        def reduced(inputs: Sequence[np.ndarray]) -> np.ndarray:
            whole = np.empty(out.shape, np.float32)
            function(inputs[0], whole, parameters)
            return whole

        return WholeKernel(reduced, out.channel_axis)


@dataclass(frozen=True, eq=False)
class RowsKernel:
    """Calls `function(x [..., n], out [...], parameters)` on what a tile of the output reduces."""

    function: Any
    parameters: Any
    axes: tuple[int, ...]
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        """See `VectorKernel`."""
        x, out = inputs[0], outputs[0]
        kept = [axis for axis in range(x.ndim) if axis not in self.axes]
        rows = np.transpose(x, [*kept, *self.axes]).reshape(*out.shape, -1)
        target = part(channels_last(out, self.channel_axis), tile)
        self.function(part(_canonical(rows, self.channel_axis), tile), target, self.parameters)


def _canonical(rows: np.ndarray, channel_axis: int) -> np.ndarray:
    """`rows` [output shape..., n] as [B, OY, OX, K, n]; see `channels_last`."""
    if rows.ndim == 5:
        return np.moveaxis(rows, channel_axis % 4, 3)
    if rows.ndim == 4 and channel_axis in (1, -2):
        return np.moveaxis(rows, 1, 2)[:, None]
    channels = rows.shape[-2] if rows.ndim > 1 else 1
    return rows.reshape(-1, 1, 1, channels, rows.shape[-1])
