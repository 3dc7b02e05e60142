"""Mean over axes; over both image axes it is the global average pooling.

Input: x int8 or uint8, any rank. Output: x without the reduced axes, or with extent 1 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.vector import NO_SPLITS, quantized, vector_nest
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.pooling import MEAN_PARAMETERS
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Mean(Operator):
    """Attributes of a mean; `axes` may be negative. A second input (the axes) is not taken."""

    axes: tuple[int, ...]
    keep_dims: bool = False
    global_pool: bool = False
    """Written as a global average pooling; ONNX Runtime computes that otherwise than a mean."""

    kind: ClassVar[str] = "mean"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x after the reduction."""
        x = inputs[0]
        assert x is not None
        if any(not -len(x.shape) <= axis < len(x.shape) for axis in self.axes):
            raise ValueError(f"axes {self.axes} are outside the shape {x.shape}")
        reduced = self._reduced(x.shape)
        if self.keep_dims:
            return [tuple(1 if a in reduced else e for a, e in enumerate(x.shape))]
        return [tuple(e for a, e in enumerate(x.shape) if a not in reduced)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One addition an input element; batch and channels may be cut for image means."""
        x = inputs[0]
        assert x is not None
        extents = [x.shape[axis] for axis in sorted(self._reduced(x.shape))]
        taps = (prod(extents[:-1]), prod(extents[-1:]))
        splits = frozenset({"B", "K"}) if self._is_image_mean(x) else NO_SPLITS
        nest = vector_nest(inputs, outputs, "mean", taps=taps, splits=splits, whole_inputs=True)
        return replace(nest, input_size=taps)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Mean in the arithmetic of `profile`."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        qx, qy = quantized(self, x), quantized(self, out)
        kind = "global_average_pool" if self.global_pool else self.kind
        arithmetic = profile.arithmetic(kind, x.format.name)
        count = prod(x.shape[axis] for axis in self._reduced(x.shape))
        parameters = MEAN_PARAMETERS[arithmetic](qx, qy, count, (out.format.low, out.format.high))
        function = kernels.get(f"mean_{arithmetic}")
        reduced = tuple(sorted(self._reduced(x.shape)))
        needs_all_rows = arithmetic == "onnx"
        if needs_all_rows and not (self._is_image_mean(x) or self._is_over_last_axes(x)):
            what = "a mean over axes that are not the last is not supported under this arithmetic"
            raise UnsupportedModelError(Problem(out.name, what))
        return _MeanKernel(
            function, parameters, reduced, x.channel_axis % max(1, len(x.shape)),
            self._is_image_mean(x), needs_all_rows,
        )  # fmt: skip

    def _reduced(self, shape: tuple[int, ...]) -> frozenset[int]:
        return frozenset(axis % len(shape) for axis in self.axes)

    def _is_over_last_axes(self, x: Tensor) -> bool:
        long = [axis for axis, extent in enumerate(x.shape) if extent > 1]
        reduced = [axis for axis in long if axis in self._reduced(x.shape)]
        return reduced == long[len(long) - len(reduced) :]

    def _is_image_mean(self, x: Tensor) -> bool:
        kept = {0, x.channel_axis % max(1, len(x.shape))}
        return len(x.shape) == 4 and self._reduced(x.shape) == frozenset(range(4)) - kept


@dataclass(frozen=True, eq=False)
class _MeanKernel:
    """Brings the reduced axes last and calls the kernel on [kept..., taps]."""

    function: Any
    parameters: Any
    reduced: tuple[int, ...]
    channel_axis: int
    is_image_mean: bool
    needs_all_rows: bool
    """True if a row's sum depends on where the row lies: a tile is then cut from the whole."""

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        x, out = inputs[0], outputs[0]
        kept = [axis for axis in range(x.ndim) if axis not in self.reduced]
        taps = np.transpose(x, [*kept, *self.reduced])
        kept_shape = tuple(x.shape[axis] for axis in kept)
        if out.ndim == x.ndim:
            out = out[tuple(0 if axis in self.reduced else slice(None) for axis in range(x.ndim))]
        taps = taps.reshape(*kept_shape, -1)
        if self.needs_all_rows:
            whole = np.empty(kept_shape, out.dtype)
            self.function(taps, whole, self.parameters)
            cut = tuple(slice(None) for _ in kept_shape)
            if self.is_image_mean:
                cut = slice(tile.b0, tile.b1), slice(tile.k0, tile.k1)
            out[cut] = whole[cut]
            return
        if self.is_image_mean:
            cut = slice(tile.b0, tile.b1), slice(tile.k0, tile.k1)
            taps, out = taps[cut], out[cut]
        self.function(taps, out, self.parameters)
