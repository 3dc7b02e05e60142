"""Why quantized weights oscillate in training: one weight, one optimum between two grid points.

A latent weight w is trained so that its rounded value q = s round(w / s) is near the optimum w*:
the loss is (q - w*)^2 / 2, a linear regression on inputs of unit power. The straight-through
estimator passes the gradient on as if nothing were rounded:

    w(t+1) = w(t) - rate ((q(t) - w*) + dampening (w(t) - q(t)))

Let w* lie d s above the grid point k s, d <= 1/2. Below the rounding threshold w climbs by
rate d s a step, above it falls by rate (1 - d) s: it never comes to rest. Steps balance, so q is
at k + 1 for the part d of all steps, one step at a time, and the integer flips 2 d times a step
whatever the rate. The mean over time of q is w*.

Dampening is the gradient of dampening / 2 (w - q)^2, which pulls the latent weight to the centre of
its bin; freezing stops what flips too often (`flips`). Source: Nagel et al., ICML 2022, sections 2
and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from npusim.quantize.training.flips import MOMENTUM, Flips

Array = NDArray[np.float64]

DISTANCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Distances of the optimum from its grid point, in steps, of the experiment."""


@dataclass(frozen=True, eq=False)
class Course:
    """What N independent weights did in T steps, in units of the quantization step s.

    `optimum` [N]; `latent` and `integers` [T, N], each before its update; `frozen` [N] True where
    a weight was frozen.
    """

    optimum: Array
    latent: Array
    integers: Array
    frozen: NDArray[np.bool_]

    def flips_per_step(self, begin: int = 0) -> Array:
        """Changes of the integer per step from step `begin` on, [N]."""
        part = self.integers[begin:]
        found: Array = (np.diff(part, axis=0) != 0).mean(axis=0)
        return found

    def mean_error(self, begin: int = 0) -> Array:
        """Mean over time of q - w*, in steps, from step `begin` on, [N]."""
        found: Array = self.integers[begin:].mean(axis=0) - self.optimum
        return found


def train_weights(
    distances: Sequence[float] = DISTANCES,
    rate: float = 0.1,
    steps: int = 20_000,
    dampening: float = 0.0,
    freeze_above: float | None = None,
    momentum: float = MOMENTUM,
) -> Course:
    """Train one weight per distance; it starts at its own optimum, as after float training.

    `rate` is the learning rate, `dampening` the weight of the penalty, `freeze_above` the
    frequency above which a weight is frozen (None: never), `momentum` that of its mean.
    """
    optimum = np.array(distances, np.float64)
    weight = optimum.copy()
    flips = Flips(np.rint(weight), momentum)
    latent, integers = np.empty((2, steps, optimum.size))
    for step in range(steps):
        rounded = flips.applied(np.rint(weight))
        latent[step], integers[step] = weight, rounded
        flips.observe(rounded)
        if freeze_above is not None:
            flips.freeze(freeze_above)
        gradient = (rounded - optimum) + dampening * (weight - rounded)
        weight = weight - rate * gradient
    return Course(optimum, latent, integers, flips.frozen > 0)
