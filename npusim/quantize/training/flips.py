"""How often rounded weights flip back and forth, and which of them are to be frozen.

Weight t of the sequence has the integer x(t) and changed by D(t) = x(t) - x(t-1). It oscillates at
t if D(t) != 0 and the change before had the opposite sign. The frequency and the integer itself are
followed by exponential means with the weight m of the newest value:

    f(t) = m o(t) + (1 - m) f(t-1)        e(t) = m x(t) + (1 - m) e(t-1)

A weight with f above a threshold is frozen at the integer next to e. Source: Nagel, Fournarakis,
Bondarenko, Blankevoort, "Overcoming Oscillations in Quantization-Aware Training", ICML 2022,
equations 7 and 8 and algorithm 1.

Only arithmetic that numpy arrays and PyTorch tensors share is used, so the experiment in numpy and
the training in PyTorch run the same lines.
"""

from __future__ import annotations

from typing import Any

MOMENTUM = 0.01
"""m above. The published training uses 0.01 where weights are frozen."""

Numbers = Any
"""A numpy array or a PyTorch tensor of floats."""


class Flips:
    """State of the weights whose integers are `start`, any shape; all arrays have that shape.

    `frequency` is f, `mean` is e, `count` the changes so far, `frozen` 1.0 where frozen and
    `held` the integers at which those stay.
    """

    def __init__(self, start: Numbers, momentum: float = MOMENTUM) -> None:
        self._momentum = momentum
        self._last = start * 1.0
        self._direction = start * 0.0
        self.frequency = start * 0.0
        self.mean = start * 1.0
        self.count = start * 0.0
        self.frozen = start * 0.0
        self.held = start * 1.0

    def observe(self, integers: Numbers) -> Numbers:
        """Take in x(t), frozen weights already replaced; returns o(t), 1.0 where one oscillates."""
        delta = integers - self._last
        changed = (delta != 0) * 1.0
        oscillated = ((delta * self._direction) < 0) * 1.0
        self._direction = changed * delta + (1.0 - changed) * self._direction
        self._last = integers * 1.0
        self.count = self.count + changed
        self.frequency = self._mixed(oscillated, self.frequency)
        self.mean = self._mixed(integers, self.mean)
        return oscillated

    def freeze(self, threshold: float) -> None:
        """Freeze what oscillates more often than `threshold` per step, at its mean's integer."""
        fresh = (self.frequency > threshold) * (1.0 - self.frozen)
        self.held = fresh * self.mean.round() + (1.0 - fresh) * self.held
        self.frozen = self.frozen + fresh

    def applied(self, integers: Numbers) -> Numbers:
        """`integers` with the frozen ones at what they are held at."""
        return self.frozen * self.held + (1.0 - self.frozen) * integers

    def _mixed(self, newest: Numbers, before: Numbers) -> Numbers:
        return self._momentum * newest + (1.0 - self._momentum) * before
