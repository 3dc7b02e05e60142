"""Resize of an image by linear interpolation along rows and columns.

Input: x [B, H, W, K] (or channels first), float32 or integers. Output: the same batch and channels,
`size` pixels. Stored integers are interpolated as they are, or dequantized first, as the profile
says; `stored` marks a node that its file applies to stored integers, `behind_conv` one of these
that ONNX Runtime runs channels last (see `passes/mark_resizes.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Tile
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.movements.movement import data_of
from npusim.ir.ops.movements.space_to_depth import image_extents, in_order
from npusim.ir.ops.products.transposed_conv2d import UNKNOWN
from npusim.ir.ops.through_float import through_float
from npusim.ir.ops.vector import copying_nest, part, quantized, rescaled
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32, INT8, INT16, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.resize import check_extent
from npusim.numerics.resize_linear import TAPS, Axis, Taps

GIVEN_SCALES = ("float32", "truncated", "truncated_integer")
"""Arithmetic that takes any scales and coordinate modes."""


@dataclass(frozen=True)
class ResizeBilinear(Operator):
    """Attributes: new height and width, coordinate mode as ONNX names it, scales if they are given.

    Without `scales` they are output / input extents. `computed_size` is true where the model
    computes `size` instead of stating it: XNNPACK leaves such an operator to other kernels.
    """

    size: tuple[int, int]
    mode: str = "half_pixel"
    scales: tuple[float, float] | None = None
    stored: bool = False
    channel_axis: int = -1
    behind_conv: bool = False
    computed_size: bool = False

    kind: ClassVar[str] = "resize_bilinear"
    keeps_axes: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, *size, K] in the input's axis order."""
        batch, _, _, channels = image_extents(self, data_of(self, inputs), self.channel_axis)
        if min(self.size) < 1:
            raise ValueError(f"resizes to {self.size}")
        check_extent(max(self.size))
        return [in_order((batch, *self.size, channels), self.channel_axis)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One interpolation an output element; a tile reads its share of the image."""
        return copying_nest(inputs, outputs, "resize")

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Interpolation in the arithmetic of `profile`, requantized where the scales differ."""
        x, out = data_of(self, inputs), outputs[0]
        if x.format not in (FP32, INT8, UINT8, INT16) or x.format != out.format:
            what = f"{self.kind} from {x.format.name} to {out.format.name} is not supported"
            raise UnsupportedModelError(Problem(x.name, what))
        row = f"{self.kind}_computed_size" if self.computed_size else self.kind
        arithmetic = profile.arithmetic(row, x.format.name)
        if arithmetic == UNKNOWN:
            what = (
                f"what {profile.oracle} gives for a linear resize of {x.format.name} whose size "
                "the model computes is not known"
            )
            raise UnsupportedModelError(Problem(out.name, what))
        if arithmetic == "through_float":
            if not self.stored:
                kernel = self._kernel(x, "float32", kernels)
                return through_float(self, kernel, inputs, out, profile, kernels)
            arithmetic = "truncated_integer" if self.behind_conv else "truncated"
        kernel = self._kernel(x, arithmetic, kernels)
        if x.quantization is None or x.quantization.same_as(out.quantization):
            return kernel
        given, _ = quantized(self, x), quantized(self, out)
        return rescaled(kernel, given, out, (out.format.low, out.format.high), profile, kernels)

    def _kernel(self, x: Tensor, arithmetic: str, kernels: Kernels) -> VectorKernel:
        _, *extents, _ = image_extents(self, x, self.channel_axis)
        axes = []
        for at, (before, after) in enumerate(zip(extents, self.size, strict=True)):
            scale = float(np.float32(after) / np.float32(before))
            axes.append(Axis(before, after, self.scales[at] if self.scales else scale, self.mode))
        if arithmetic not in GIVEN_SCALES and not all(a.is_plain for a in axes):
            what = f"a resize by {self.mode} with scales {self.scales} has no {arithmetic} form"
            raise UnsupportedModelError(Problem(x.name, what))
        rows, cols = (TAPS[arithmetic](axis) for axis in axes)
        function = kernels.get(f"{self.kind}_{arithmetic}")
        return _ResizeKernel(function, (rows, cols), self.channel_axis)


@dataclass(frozen=True, eq=False)
class _ResizeKernel:
    function: Any
    taps: tuple[Taps, Taps]
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        x, out = (channels_last(a, self.channel_axis) for a in (inputs[0], outputs[0]))
        self.function(x, part(out, tile), tile, self.taps)
