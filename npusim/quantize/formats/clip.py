"""The expected squared error of a grid at a scale, and the scale at which it is least.

With levels q_i and borders b_i halfway between neighbours (round to nearest; beyond the outer
levels the data saturates):

    MSE = sum over i of integral from b_i to b_(i+1) of (x - q_i)^2 p(x) dx
        = sum over i of M2_i - 2 q_i M1_i + q_i^2 M0_i

where the M are moments of p over the interval, in closed form: nothing is integrated by steps.
SQNR = 10 log10(E[x^2] / MSE) dB.

The clip, which is where the greatest code lies, is searched from 2 times the extreme of the data
down by `OCTAVES` octaves, `STEPS` points each, then `ROUNDS` times more finely around the best; at
last, while it helps, the scale becomes the one of least squares for the levels that the data has:

    scale = sum of q_i M1_i / sum of q_i^2 M0_i        q_i without the scale

The search goes beyond the extreme because float grids are the same an octave on, but for their
ends: the best phase of an octave can lie there. The range of an asymmetric grid is scaled as a
whole. Data that lies on a grid itself (pixels) can have a narrower optimum, which may be missed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from npusim.quantize.formats.densities import Source
from npusim.quantize.formats.grids import Grid

Array = np.ndarray

OCTAVES, STEPS, ROUNDS, ZOOM, MOST_FITS = 11, 16, 2, 8, 8
EXACT = 1e-11
"""Of E[x^2]: an error below it is rounding of float64 sums over many values, and counts as none."""


@dataclass(frozen=True)
class Fit:
    """A grid at a scale: `mse` is what the data loses, `power` what it has, both per value.

    `clip` is the distance from zero of the outer level, the greater of both sides.
    """

    grid: Grid
    scale: float
    zero_point: float
    clip: float
    mse: float
    power: float

    @property
    def sqnr_db(self) -> float:
        """10 log10(power / mse); infinite if nothing is lost, NaN if there is no power."""
        return decibels(self.power, self.mse)


def decibels(power: float, mse: float) -> float:
    """10 log10(power / mse); infinite if nothing is lost, NaN if there is no power."""
    if power <= 0.0:
        return math.nan
    return 10.0 * math.log10(power / mse) if mse > 0.0 else math.inf


def expected_error(levels: Array, source: Source) -> Array:
    """MSE [...] of rounding `source` to the nearest of ascending `levels` [..., n]."""
    mass, first, second = _moments_of(levels, source)
    total: Array = (second - 2 * levels * first + levels * levels * mass).sum(axis=-1)
    return np.where(total > EXACT * source.power, total, 0.0)


def fit_at(grid: Grid, source: Source, clip: float) -> Fit:
    """`grid` with its ends at -clip and clip."""
    scale, zero = grid.placed(np.array(-clip), np.array(clip), 1.0)
    return _best_of(grid, source, scale[None], zero[None])[0]


def best_fit(grid: Grid, source: Source) -> Fit:
    """`grid` at the scale of least error for `source`."""
    exponents = 1.0 - np.arange(OCTAVES * STEPS + 1) / STEPS
    spacing = 1.0 / STEPS
    for _ in range(ROUNDS + 1):
        factors = np.exp2(exponents)
        scale, zero = grid.placed(np.array(source.low), np.array(source.high), factors)
        found, best = _best_of(grid, source, scale, zero)
        exponents = exponents[best] + np.arange(-ZOOM, ZOOM + 1) * (spacing / ZOOM)
        spacing /= ZOOM
    return _polished(found, source)


def _best_of(grid: Grid, source: Source, scale: Array, zero: Array) -> tuple[Fit, int]:
    """The best of scales [s] with their zero points, and which it is."""
    levels = (grid.values - zero[:, None]) * scale[:, None]
    errors = expected_error(levels, source)
    best = int(errors.argmin())
    clip = float(np.abs(levels[best, [0, -1]]).max())
    fit = Fit(
        grid, float(scale[best]), float(zero[best]), clip, float(errors[best]), source.power
    )  # fmt: skip
    return fit, best


def _polished(found: Fit, source: Source) -> Fit:
    """`found` with the scale of least squares for the levels that its intervals have."""
    zero = np.array([found.zero_point])
    codes = found.grid.values - found.zero_point
    for _ in range(MOST_FITS):
        mass, first, _ = _moments_of(codes * found.scale, source)
        scale = (codes * first).sum() / max((codes * codes * mass).sum(), np.finfo(float).tiny)
        better, _ = _best_of(found.grid, source, np.array([scale]), zero)
        if scale <= 0 or better.mse >= found.mse:
            break
        found = better
    return found


def _moments_of(levels: Array, source: Source) -> Array:
    """[3, ..., n]: the moments of `source` over the interval of each level."""
    edge = np.full((*levels.shape[:-1], 1), np.inf)
    borders = np.concatenate([-edge, (levels[..., 1:] + levels[..., :-1]) / 2, edge], axis=-1)
    return np.diff(source.moments(borders), axis=-1)
