"""Constant padding: the input inside, one stored value around it.

Input: x, any rank. Output: x enlarged. The value defaults to the real 0, stored as the zero point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.movements.movement import Movement, MovementKernel, data_of
from npusim.ir.ops.vector import require_same_quantization
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Pad(Movement):
    """Attributes of a padding: (before, after) per axis; `value` as stored, None for the real 0."""

    padding: tuple[tuple[int, int], ...]
    value: int | float | None = None

    kind: ClassVar[str] = "pad"
    keeps_axes: ClassVar[bool] = True
    only_enlarges: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The enlarged shape."""
        x = data_of(self, inputs)
        if len(self.padding) != len(x.shape) or any(n < 0 for pair in self.padding for n in pair):
            raise ValueError(f"padding {self.padding} does not fit a tensor of shape {x.shape}")
        return [tuple(e + sum(pair) for e, pair in zip(x.shape, self.padding, strict=True))]

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """A copy; the same under every profile."""
        x, out = data_of(self, inputs), outputs[0]
        require_same_quantization(self, x, out)
        value = self.value
        if value is None:
            value = 0 if out.quantization is None else out.quantization.scalar_zero_point
        return MovementKernel(replace(self, value=value), out.channel_axis)

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`; an operator that is bound has a value."""
        x = inputs[0]
        inner = tuple(
            slice(before, before + extent)
            for (before, _), extent in zip(self.padding, x.shape, strict=True)
        )
        shape = tuple(e + sum(pair) for e, pair in zip(x.shape, self.padding, strict=True))
        padded = np.full(shape, self.value, x.dtype)
        padded[inner] = x
        return padded
