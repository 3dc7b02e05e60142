"""Two-dimensional convolution: grouped, depthwise, dilated, with asymmetric padding.

Inputs: x [B, H, W, G*C] (or channels first), weights [G*K, FY, FX, C] (whatever the file's order,
an importer brings them to this one), optional bias int32 [G*K]. Output [B, OY, OX, G*K].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.loopnest import LoopNest, Operand, Unit
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.products.blocked_products import BlockedKernel, has_blocks
from npusim.ir.ops.products.drain import ConvolutionKernel, require_bias
from npusim.ir.ops.products.float_products import float_convolution
from npusim.ir.ops.products.real_products import real_convolution
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation


@dataclass(frozen=True)
class Conv2D(Operator):
    """Attributes of a convolution; `padding` is (top, left, bottom, right)."""

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    activation: Activation = Activation.NONE
    channel_axis: int = -1

    kind: ClassVar[str] = "conv2d"
    sums_floats: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, OY, OX, G*K] in the input's axis order."""
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        batch, height, width, channels = canonical_shape(x.shape, self.channel_axis)
        out_channels, taps_y, taps_x, group_channels = w.shape
        if group_channels * self.groups != channels or out_channels % self.groups:
            raise ValueError(
                f"{channels} input and {out_channels} output channels do not fit weights "
                f"{w.shape} in {self.groups} group(s)"
            )
        require_bias(inputs, out_channels)
        top, left, bottom, right = self.padding
        rows = _output_extent(height + top + bottom, taps_y, self.stride[0], self.dilation[0])
        cols = _output_extent(width + left + right, taps_x, self.stride[1], self.dilation[1])
        if len(x.shape) == 3:
            return [(batch, out_channels, cols)]
        if self.channel_axis % 4 == 1:
            return [(batch, out_channels, rows, cols)]
        return [(batch, rows, cols, out_channels)]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B, G, K, C, OY, OX, FY, FX with the input behind the filter window."""
        x, w, out = inputs[0], inputs[1], outputs[0]
        assert x is not None and w is not None
        _, height, width, _ = canonical_shape(x.shape, self.channel_axis)
        b, oy, ox, channels = canonical_shape(out.shape, self.channel_axis)
        operands = [
            Operand(x.name, "input", x.format.bits, frozenset({"B", "G", "C", "OY", "OX"}), True),
            Operand(w.name, "weight", w.format.bits, frozenset({"G", "K", "C", "FY", "FX"})),
        ]
        if len(inputs) > 2 and inputs[2] is not None:
            bias = inputs[2]
            operands.append(Operand(bias.name, "weight", bias.format.bits, frozenset({"G", "K"})))
        dims = frozenset({"B", "G", "K", "OY", "OX"})
        operands.append(Operand(out.name, "output", out.format.bits, dims))
        return LoopNest(
            Unit.ARRAY,
            (b, self.groups, channels // self.groups, w.shape[3], oy, ox, w.shape[1], w.shape[2]),
            tuple(operands),
            self.stride, self.dilation, self.padding[:2], (height, width), keeps_rows=True,
        )  # fmt: skip

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel | VectorKernel:  # fmt: skip
        """Integer convolution with the drain of `profile`; floats as the array or a host has it."""
        geometry = (*self.stride, *self.dilation, *self.padding[:2])
        if inputs[0] is not None and inputs[0].format.is_float:
            if kernels.accumulation is not None:
                return float_convolution(self, inputs, outputs[0], geometry, kernels)
            return real_convolution(self, inputs, outputs, geometry, kernels)
        if has_blocks(inputs[1]):
            return BlockedKernel.bind(self, inputs, outputs[0], geometry, profile, kernels)
        return ConvolutionKernel.bind(self, inputs, outputs, geometry, profile, kernels)


def _output_extent(padded: int, taps: int, stride: int, dilation: int) -> int:
    span = (taps - 1) * dilation + 1
    if span > padded:
        raise ValueError(f"a window of {span} does not fit a padded input of {padded}")
    return (padded - span) // stride + 1
