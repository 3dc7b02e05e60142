"""Moments in closed form against quadrature and against samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npusim.quantize.formats.densities import Density, gaussian, student, uniform

DENSITIES = [
    uniform(), uniform(3.0), gaussian(), gaussian(2.5), *(student(nu) for nu in range(1, 10)),
    student(2, 1000.0), student(30, 20.0), student(100, 5.0),
]  # fmt: skip
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def _integrated(density: Density, low: float, high: float) -> np.ndarray:
    """The three moments over [low, high] by Gauss and Legendre's rule on 400 panels."""
    ends = np.linspace(low, high, 401)
    half = np.diff(ends)[:, None] / 2
    x = ends[:-1, None] + half * (NODES + 1)
    weighted = WEIGHTS * half * density.pdf(x)
    return np.array([(x**k * weighted).sum() for k in range(3)])


@pytest.mark.parametrize("density", DENSITIES, ids=lambda each: f"{each.name}-{each.limit:g}")
def test_moments_are_the_integrals_of_the_density(density: Density) -> None:
    for low, high in ((-1.0, 0.5), (0.2, 2.0), (1.0, 0.9 * density.limit)):
        low, high = (float(np.clip(x, -density.limit, density.limit)) for x in (low, high))
        below = density.moments(np.array([low, high]))
        found = below[:, 1] - below[:, 0]
        assert found == pytest.approx(_integrated(density, low, high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("density", DENSITIES, ids=lambda each: f"{each.name}-{each.limit:g}")
def test_all_mass_lies_within_the_cut(density: Density) -> None:
    everything = density.moments(np.array([-math.inf, -density.limit, density.limit, math.inf]))
    assert everything[:, :2] == pytest.approx(0.0)
    assert everything[0, 2:] == pytest.approx(1.0)
    assert everything[1, 2:] == pytest.approx(0.0, abs=1e-9)
    assert density.pdf(np.array(1.001 * density.limit)) == 0.0


def test_powers_are_those_of_the_textbook() -> None:
    """1/3, 1, and nu / (nu - 2) where the cut is far out."""
    assert uniform().power == pytest.approx(1 / 3)
    assert gaussian().power == pytest.approx(1.0, rel=1e-12)
    for nu in (5, 8, 20):
        assert student(nu, 1e4).power == pytest.approx(nu / (nu - 2), rel=1e-6)


def test_many_degrees_of_freedom_are_nearly_normal() -> None:
    at = np.linspace(-3, 3, 13)
    assert student(100, 10.0).moments(at)[0] == pytest.approx(gaussian().moments(at)[0], abs=2e-3)
