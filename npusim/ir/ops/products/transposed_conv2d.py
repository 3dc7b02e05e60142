"""Two-dimensional transposed convolution: each input pixel adds its filter to the output.

Inputs: x [B, H, W, G*C] (or channels first), weights [G*K, FY, FX, C] (whatever the file's order),
optional bias int32 [G*K]. Output [B, OY, OX, G*K] with

    y[b, i*sy + fy*dy - top, j*sx + fx*dx - left, k] += x[b, i, j, c] * w[k, fy, fx, c]

On the array it is the ordinary convolution that compilers make of it: output pixels fall into
sy * sx phases, each of which sees taps of its own; the phases are output channels of a convolution
of stride 1, whose pixels are then interleaved. Taps that a phase has not are zeros that the array
multiplies: with 2 x 2 taps at stride 2 there are none, with 3 x 3 there are 7 of 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Unit
from npusim.ir.operator import ArrayKernel, Operator, VectorKernel
from npusim.ir.ops.products.drain import require_bias
from npusim.ir.ops.products.phases import Interleaving, Phases
from npusim.ir.ops.products.transposed_kernels import (
    THROUGH_FLOAT,
    integer_kernel,
    real_kernel,
    through_float_kernel,
)
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import Activation

UNKNOWN = "unknown"
"""The arithmetic of a case in which no arithmetic gives what the framework gives."""

MAX_PHASES = 2**12
"""Phases of the largest strides that are taken, 64 by 64; networks upsample by 2 to 32."""


@dataclass(frozen=True)
class TransposedConv2D(Operator):
    """Attributes of a transposed convolution; `size` is that of the output image.

    `padding` is what is cut off at the top and at the left; `size` says what at the other ends.
    `computed_size` is true where the model computes `size` instead of stating it: XNNPACK leaves
    such an operator to other kernels.
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    activation: Activation = Activation.NONE
    channel_axis: int = -1
    computed_size: bool = False

    kind: ClassVar[str] = "transposed_conv2d"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, OY, OX, G*K] in the input's axis order."""
        x, w = inputs[0], inputs[1]
        if x is None or w is None:
            raise ValueError("a transposed convolution has an input and weights")
        if len(x.shape) not in (3, 4) or len(w.shape) != 4:
            raise ValueError(f"an input {x.shape} and weights {w.shape} are not of images")
        batch, _, _, channels = canonical_shape(x.shape, self.channel_axis)
        if w.shape[3] * self.groups != channels or w.shape[0] % self.groups:
            raise ValueError(
                f"{channels} input and {w.shape[0]} output channels do not fit weights {w.shape} "
                f"in {self.groups} group(s)"
            )
        if min(*self.size, *w.shape) < 1:
            raise ValueError(f"an output of {self.size} of weights {w.shape} is empty")
        if self.stride[0] * self.stride[1] > MAX_PHASES:
            raise ValueError(f"strides of {self.stride} make more than {MAX_PHASES} phases")
        require_bias(inputs, w.shape[0])
        if len(x.shape) == 3:
            return [(batch, w.shape[0], self.size[1])]
        if self.channel_axis % 4 == 1:
            return [(batch, w.shape[0], *self.size)]
        return [(batch, *self.size, w.shape[0])]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """The loops of the convolution over phases; see the module's docstring."""
        x, w, out = inputs[0], inputs[1], outputs[0]
        assert x is not None and w is not None
        batch, height, width, _ = canonical_shape(x.shape, self.channel_axis)
        y, x_axis = self._phases(w)
        many = y.stride * x_axis.stride
        filters = w.shape[0] // self.groups
        extents = (
            batch, self.groups, filters * many, w.shape[3], y.extent, x_axis.extent,
            y.taps, x_axis.taps,
        )  # fmt: skip
        spread = many * y.taps * x_axis.taps
        operands = [
            Operand(x.name, "input", x.format.bits, frozenset({"B", "G", "C", "OY", "OX"}), True),
            Operand(
                w.name, "weight", w.format.bits, frozenset({"G", "K", "C", "FY", "FX"}),
                share=(w.shape[1] * w.shape[2], spread),
            ),
        ]  # fmt: skip
        if len(inputs) > 2 and inputs[2] is not None:
            bias, along = inputs[2], frozenset({"G", "K"})
            operands.append(Operand(bias.name, "weight", bias.format.bits, along, share=(1, many)))
        dims = frozenset({"B", "G", "K", "OY", "OX"})
        pixels = self.size[0] * self.size[1], many * y.extent * x_axis.extent
        operands.append(Operand(out.name, "output", out.format.bits, dims, share=pixels))
        return LoopNest(
            Unit.ARRAY, extents, tuple(operands), padding=(y.padding, x_axis.padding),
            input_size=(height, width), useful_macs=x.size * w.shape[1] * w.shape[2] * filters,
        )  # fmt: skip

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel | VectorKernel:  # fmt: skip
        """Integer sums and the drain of `profile`, or what the framework does in float32."""
        x, w, out = inputs[0], inputs[1], outputs[0]
        assert x is not None and w is not None
        if w.data is None:
            what = f"the weights of {self.kind} must be a constant, '{w.name}' is not"
            raise UnsupportedModelError(Problem(out.name, what))
        places = Interleaving(*self._phases(w), self.size, self.groups, self.channel_axis)
        if x.format == FP32:
            return real_kernel(self, inputs, out, places, kernels)
        arithmetic = profile.arithmetic(self._row(w), x.format.name)
        if arithmetic == UNKNOWN:
            case = f"whose stride exceeds its filter ({self.stride}, {w.shape[1:3]})"
            if self.computed_size:
                case = f"of {x.format.name} whose output size the model computes"
            what = f"what {profile.oracle} gives for a transposed convolution {case} is not known"
            raise UnsupportedModelError(Problem(out.name, what))
        if arithmetic == THROUGH_FLOAT:
            return through_float_kernel(self, inputs, out, places, profile, kernels)
        return integer_kernel(self, inputs, out, places, profile, kernels, self._row(w))

    def _row(self, w: Tensor) -> str:
        """The row of the profile's table: one of its own where output pixels see no tap."""
        if self.computed_size:
            return f"{self.kind}_computed_size"
        gaps = any(s > t for s, t in zip(self.stride, w.shape[1:3], strict=True))
        return f"{self.kind}_with_gaps" if gaps else self.kind

    def _phases(self, w: Tensor) -> tuple[Phases, Phases]:
        y, x = (
            Phases(w.shape[1 + axis], self.stride[axis], self.dilation[axis], self.padding[axis],
                   self.size[axis])
            for axis in (0, 1)
        )  # fmt: skip
        return y, x
