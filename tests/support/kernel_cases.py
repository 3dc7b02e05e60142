"""Random arguments of the array's kernels, and the comparison of a fast path with the reference."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from npusim.doctor import draws
from npusim.doctor.array_cases import (
    ConvolutionCase,
    RequantizeCase,
    convolution,
    requantization,
)
from npusim.doctor.draws import EIGHT_BIT, ORDERS, array, as_view
from npusim.ir.loopnest import Tile
from npusim.kernels.table import kernels
from tests.support.drawn import cases_of

__all__ = [
    "EIGHT_BIT",
    "ORDERS",
    "ConvolutionCase",
    "RequantizeCase",
    "Tile",
    "arrays",
    "as_view",
    "assert_convolution_equals_reference",
    "assert_requantize_equals_reference",
    "bounds",
    "convolutions",
    "requantizations",
]


def arrays(dtype: Any, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """An integer array: random, or of extreme values only; contiguous or one of several views."""
    return cases_of(partial(array, dtype=dtype, shape=shape))


def bounds(extent: int) -> st.SearchStrategy[tuple[int, int]]:
    """Half-open bounds in 0..extent: the whole, or any part, the empty one included."""
    return cases_of(partial(draws.bounds, extent=extent))


def convolutions(depthwise: bool = False) -> st.SearchStrategy[ConvolutionCase]:
    """Small convolutions of every kind: odd sizes, strides, dilations, padding, groups, tiles."""
    return cases_of(partial(convolution, depthwise=depthwise))


def requantizations() -> st.SearchStrategy[RequantizeCase]:
    """Drains with scales that make ties (powers of two), ordinary ones, and far too large ones."""
    return cases_of(requantization)


def assert_convolution_equals_reference(case: ConvolutionCase, path: str, name: str) -> None:
    """The kernel of `path` gives the reference's accumulators."""
    expected = case.run(kernels("reference"), name)
    np.testing.assert_array_equal(case.run(kernels(path), name), expected)


def assert_requantize_equals_reference(case: RequantizeCase, path: str) -> None:
    """The drain of `path` gives the reference's outputs."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))
