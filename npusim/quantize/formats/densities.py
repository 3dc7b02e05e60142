"""Densities of real data, symmetric about zero, truncated, with their moments in closed form.

    uniform        p = 1 / (2 L) on [-L, L], L = 1
    gaussian       p = c exp(-x^2 / 2), cut at L = 10 standard deviations (1.5e-23 of its mass)
    student:NU:L   p = c (1 + x^2 / NU)^(-(NU + 1) / 2), NU whole, cut at L (100 if not given)

What is cut is left out and the rest scaled to 1: p is zero beyond L, and nothing gathers there.
Moments are integrals of x^k p from -L to x, k = 0, 1, 2:

    uniform        powers of x
    gaussian       Phi, -phi, Phi - x phi
    student        with x = sqrt(NU) tan a, integrals of cos^(NU - 1) a, of sin a cos^(NU - 2) a and
                   of sin^2 a cos^(NU - 3) a, by the reduction of powers of the cosine
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

Array = np.ndarray

STUDENT = "student"
GAUSSIAN_LIMIT = 10.0
STUDENT_LIMIT = 100.0
_erf = np.frompyfunc(math.erf, 1, 1)


class Source(Protocol):
    """Data seen through its moments: a density, or values (`samples.Samples`)."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def power(self) -> float: ...
    def moments(self, ends: Array) -> Array:
        """[3, ...]: the integrals of p, x p and x^2 p below `ends`; infinities are allowed."""


@dataclass(frozen=True)
class Density:
    """A density on [-limit, limit]; `form` gives x^0, x^1 and x^2 p integrated, up to a factor."""

    name: str
    limit: float
    form: Callable[[Array], Array]
    shape: Callable[[Array], Array]
    """p up to a factor."""

    @property
    def low(self) -> float:
        """The least value."""
        return -self.limit

    @property
    def high(self) -> float:
        """The greatest value."""
        return self.limit

    @cached_property
    def power(self) -> float:
        """E[x^2]."""
        return float(self.moments(np.array(self.limit))[2])

    def moments(self, ends: Array) -> Array:
        """See `Source.moments`."""
        inside = np.clip(ends, -self.limit, self.limit)
        start, mass = self._norm
        found: Array = (self.form(inside) - start.reshape(3, *[1] * inside.ndim)) / mass
        return found

    def pdf(self, x: Array) -> Array:
        """p at `x`."""
        inside: Array = np.where(np.abs(x) <= self.limit, self.shape(x) / self._norm[1], 0.0)
        return inside

    @cached_property
    def _norm(self) -> tuple[Array, float]:
        """The integrals at -limit, and the factor that makes the mass 1."""
        at = self.form(np.array([-self.limit, self.limit]))
        return at[:, 0], float(at[0, 1] - at[0, 0])


def uniform(limit: float = 1.0) -> Density:
    """The uniform density on [-limit, limit]."""
    return Density(
        "uniform", limit,
        lambda x: np.stack([x, x * x / 2, x * x * x / 3]), lambda x: np.ones_like(x),
    )  # fmt: skip


def gaussian(limit: float = GAUSSIAN_LIMIT) -> Density:
    """The normal density of variance 1 (before the cut), cut at `limit`."""

    def bell(x: Array) -> Array:
        height: Array = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return height

    def form(x: Array) -> Array:
        mass = np.asarray(_erf(x / math.sqrt(2)), np.float64) / 2
        return np.stack([mass, -bell(x), mass - x * bell(x)])

    return Density("gaussian", limit, form, bell)


def student(nu: int, limit: float = STUDENT_LIMIT) -> Density:
    """Student's t with `nu` degrees of freedom, cut at `limit`."""
    root = math.sqrt(nu)

    def form(x: Array) -> Array:
        angle = np.arctan(x / root)
        cosine = np.cos(angle)
        first = -np.log(cosine) if nu == 1 else cosine ** (nu - 1) / (1 - nu)
        mass = _cosine_power(angle, nu - 1)
        return np.stack([mass, root * first, nu * (_cosine_power(angle, nu - 3) - mass)])

    def shape(x: Array) -> Array:
        found: Array = (1 + x * x / nu) ** (-(nu + 1) / 2) / root
        return found

    return Density(f"{STUDENT}:{nu}:{limit:g}", limit, form, shape)


def _cosine_power(angle: Array, power: int) -> Array:
    """The integral of cos^power from 0 to `angle`, power >= -2."""
    sine, cosine = np.sin(angle), np.cos(angle)
    start = power % 2 if power >= 0 else power
    first = {-2: np.tan(angle), -1: np.arcsinh(np.tan(angle)), 0: angle, 1: sine}
    found: Array = first[start]
    for m in range(start + 2, power + 1, 2):
        found = cosine ** (m - 1) * sine / m + (m - 1) / m * found
    return found
