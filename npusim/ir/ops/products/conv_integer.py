"""Convolution of stored integers into int32; see `integer_sums.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.operator import ArrayKernel
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.integer_sums import check_zeros, integer_sums
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class ConvInteger(Conv2D):
    """Attributes of a convolution; outside the image x has its zero point."""

    kind: ClassVar[str] = "conv_integer"
    quantizable: ClassVar[bool] = False

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """As a convolution."""
        check_zeros(self, inputs)
        return super().infer_shapes(inputs)

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> ArrayKernel:  # fmt: skip
        """The same sums under every profile."""
        geometry = (*self.stride, *self.dilation, *self.padding[:2])
        return integer_sums(self, inputs, outputs[0], geometry, kernels)
