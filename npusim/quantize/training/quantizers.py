"""Quantizers as parts of a PyTorch network: their step is a parameter, their start is observed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from npusim.quantize.training.flips import Flips
from npusim.quantize.training.learned_step import (
    SMALLEST_STEP,
    Grid,
    best_step,
    fake_quantized,
    published_step,
    rows_of,
    step_shape,
)

STARTS = {"mse": best_step, "lsq": published_step}
"""How a step starts: with the least squared error of those tried, or as the LSQ paper does."""


class Quantizer(nn.Module):
    """One tensor's fake quantization; `enabled` is False until `start_at`, and values pass.

    `grid` is what it rounds to and `step` [1] or, per channel, [channels, 1, ...] its parameter.
    """

    def __init__(self, grid: Grid, start: str = "mse", learned: bool = True) -> None:
        super().__init__()
        self.grid = grid
        self.enabled = False
        self.step = nn.Parameter(torch.ones(1), requires_grad=learned)
        self._start = STARTS[start]

    def start_at(self, values: Tensor, per_channel: bool = False) -> None:
        """Choose the step for `values` and quantize from now on."""
        rows = rows_of(values, per_channel)
        self.set_step(self._start(rows, self.grid).reshape(step_shape(values, per_channel)))

    def set_step(self, step: Tensor) -> None:
        """Quantize with `step` from now on."""
        self.step.data = step.detach().clone()
        self.enabled = True

    def safe_step(self) -> Tensor:
        """The step without its gradient, positive."""
        return self.step.detach().clamp(min=SMALLEST_STEP)


class ActivationQuantizer(Quantizer):
    """Of values [N, ...] between layers: one step, integers from 0 on.

    `signed` values get a zero point from their extremes at the start, which is not trained.
    `observed` collects what passes while `observing`.
    """

    def __init__(
        self, bits: int, signed: bool = False, start: str = "mse", learned: bool = True
    ) -> None:
        super().__init__(Grid.unsigned(bits), start, learned)
        self.bits = bits
        self.signed = signed
        self.observing = False
        self.observed: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """`x`, quantized if enabled."""
        if self.observing:
            self.observed.append(x.detach())
        if not self.enabled:
            return x
        return fake_quantized(x, self.step, self.grid, samples=x.shape[0])

    def start_at_observed(self) -> None:
        """Choose zero point and step for what was observed, and forget it."""
        values = torch.cat(self.observed)
        self.observed, self.observing = [], False
        if self.signed:
            low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
            largest = 2**self.bits - 1
            zero = round(-low / max(high - low, SMALLEST_STEP) * largest)
            self.grid = Grid.unsigned(self.bits, zero)
        self.start_at(values)


class WeightQuantizer(Quantizer):
    """Of weights [outputs, ...]: symmetric, a step per output channel or one for all.

    `flips` follows the integers once `follow` was called; frozen ones stay.
    """

    def __init__(self, bits: int, per_channel: bool = True, start: str = "mse") -> None:
        super().__init__(Grid.symmetric(bits), start)
        self.bits = bits
        self.per_channel = per_channel
        self.flips: Flips | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """`weight`, quantized if enabled."""
        if not self.enabled:
            return weight
        if self.flips is None:
            return fake_quantized(weight, self.step, self.grid)
        frozen, held = self.flips.frozen, self.flips.held
        return fake_quantized(weight, self.step, self.grid, frozen=frozen, held=held)

    def integers(self, weight: Tensor) -> Tensor:
        """The integers that `weight` has, frozen ones included: what is exported."""
        found = self.grid.integers(weight.detach(), self.safe_step())
        return found if self.flips is None else self.flips.applied(found)

    def follow(self, weight: Tensor, momentum: float) -> None:
        """Count flips from `weight` on."""
        self.flips = Flips(self.integers(weight), momentum)

    def distance(self, weight: Tensor) -> Tensor:
        """Sum of squares of the latent weights' distance to the centres of their bins.

        Weights beyond the range count as at its end, and the centres are taken as given: Nagel et
        al., ICML 2022, equation 6.
        """
        step = self.step.clamp(min=SMALLEST_STEP)
        low, high = self.grid.low * step, self.grid.high * step
        inside = torch.minimum(torch.maximum(weight, low), high)
        centres = self.integers(weight) * self.safe_step()
        return (centres - inside).square().sum()
