"""Fake quantization with a learned step size and the straight-through estimator.

    integer  n = clamp(round(x / s) + z, low, high)          value  y = s (n - z)

Backwards, rounding counts as the identity: dy/dx is 1 inside the range and 0 outside. The step gets

    dy/ds = round(x / s) - x / s    inside,      low - z or high - z    where clamped

times 1 / sqrt(N q), N the values that share the step (of one sample, for activations) and q the
largest integer, so that it moves about as fast as the weights. Source: Esser, McKinstry, Bablani,
Appuswamy, Modha, "Learned Step Size Quantization", ICLR 2020, equations 1 to 3 and section 2.2.
Rounding is half to even, ONNX's QuantizeLinear; the same integers are exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor

SMALLEST_STEP = 1e-8
"""A step must stay positive; below this one it would be no float32 that a product can use."""

RANGE_FRACTIONS = 60
"""Ranges that `best_step` tries: as many equal parts of the largest value."""


@dataclass(frozen=True)
class Grid:
    """Integers `low`..`high` with the zero point `zero`."""

    low: int
    high: int
    zero: int = 0

    @classmethod
    def symmetric(cls, bits: int) -> Grid:
        """Signed, without the lowest integer, so that it is as wide on both sides."""
        largest = 2 ** (bits - 1) - 1
        return cls(-largest, largest)

    @classmethod
    def unsigned(cls, bits: int, zero: int = 0) -> Grid:
        """0..2^bits - 1; for values of one sign with `zero` 0."""
        return cls(0, 2**bits - 1, zero)

    @property
    def largest(self) -> int:
        """q of the gradient's scale: the farthest integer from the zero point."""
        return max(self.high - self.zero, self.zero - self.low)

    def integers(self, values: Tensor, step: Tensor) -> Tensor:
        """The stored integers of `values`, as floats."""
        return torch.clamp(torch.round(values / step) + self.zero, self.low, self.high)

    def rounded(self, values: Tensor, step: Tensor) -> Tensor:
        """The nearest values that the grid has."""
        return (self.integers(values, step) - self.zero) * step


class LearnedStep(torch.autograd.Function):
    """`apply(x, step, grid, gradient_scale, frozen, held)`: quantized values, gradients as above.

    `step` broadcasts over x. Where `frozen` is 1 (None: nowhere) the integer is `held` and x gets
    no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, step: Tensor, grid: Grid, gradient_scale: float,
        frozen: Tensor | None, held: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """See the class."""
        integers = grid.integers(x, step)
        if frozen is not None:
            integers = torch.where(frozen > 0, held, integers)
        ctx.save_for_backward(x, step, integers, frozen)
        ctx.grid, ctx.gradient_scale = grid, gradient_scale
        return (integers - grid.zero) * step

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """See the module."""
        x, step, integers, frozen = ctx.saved_tensors
        grid: Grid = ctx.grid
        at = torch.round(x / step) + grid.zero
        moves = (at >= grid.low) & (at <= grid.high)
        if frozen is not None:
            moves &= frozen == 0
        along_step = integers - grid.zero - torch.where(moves, x / step, 0)
        for_step = (gradient * along_step * ctx.gradient_scale).sum_to_size(step.shape)
        return gradient * moves, for_step, None, None, None, None


def fake_quantized(
    x: Tensor, step: Tensor, grid: Grid, samples: int = 1,
    frozen: Tensor | None = None, held: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """`x` on the grid. `samples` of a batch share the step and count as one for its gradient."""
    values = x.numel() / samples / step.numel()
    scale = 1 / sqrt(values * grid.largest)
    found: Tensor = LearnedStep.apply(x, step.clamp(min=SMALLEST_STEP), grid, scale, frozen, held)
    return found


def through(x: Tensor, step: Tensor) -> Tensor:
    """`x` as a multiple of `step`, unlimited, straight through: a bias at its product's scale."""
    return x + (torch.round(x / step) * step - x).detach()


def published_step(values: Tensor, grid: Grid) -> Tensor:
    """The start that the paper gives: 2 mean|x| / sqrt(q), one a row of `values` [rows, N]."""
    return (2 * values.abs().mean(dim=1) / sqrt(grid.largest)).clamp(min=SMALLEST_STEP)


def best_step(values: Tensor, grid: Grid) -> Tensor:
    """The step with the smallest squared error of those tried, one a row of `values` [rows, N].

    At 8 bits the paper's start is far wider than the values; Nagel et al. start as here.
    """
    above = values.amax(dim=1) / max(grid.high - grid.zero, 1)
    below = -values.amin(dim=1) / max(grid.zero - grid.low, 1)
    peak = torch.maximum(above, below).clamp(min=SMALLEST_STEP)
    best, least = peak, torch.full_like(peak, torch.inf)
    for part in range(1, RANGE_FRACTIONS + 1):
        step = peak * part / RANGE_FRACTIONS
        error = (grid.rounded(values, step[:, None]) - values).square().mean(dim=1)
        best, least = torch.where(error < least, step, best), torch.minimum(error, least)
    return best


def rows_of(values: Tensor, per_channel: bool) -> Tensor:
    """`values` as [rows, N]: a row for each entry of the first axis, or one for all."""
    return values.reshape(values.shape[0] if per_channel else 1, -1)


def step_shape(values: Tensor, per_channel: bool) -> tuple[int, ...]:
    """Shape of the steps of `values`, which broadcasts over them."""
    return (values.shape[0], *[1] * (values.dim() - 1)) if per_channel else (1,)
