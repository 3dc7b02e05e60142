"""Random arguments of the array's kernels, and the comparison of a fast path with the reference."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from npusim.doctor.array_cases import (
    ConvolutionCase,
    LayerCase,
    RequantizeCase,
    convolution,
    layer,
    requantization,
)
from npusim.ir.loopnest import Tile
from npusim.kernels.table import kernels
from tests.support.drawn import cases_of

__all__ = [
    "ConvolutionCase",
    "LayerCase",
    "RequantizeCase",
    "Tile",
    "assert_convolution_equals_reference",
    "assert_layer_equals_reference",
    "assert_requantize_equals_reference",
    "convolutions",
    "layers",
    "requantizations",
]


def convolutions(depthwise: bool = False) -> st.SearchStrategy[ConvolutionCase]:
    """Small convolutions of every kind: odd sizes, strides, dilations, padding, groups, tiles."""
    return cases_of(partial(convolution, depthwise=depthwise))


def layers(depthwise: bool = False) -> st.SearchStrategy[LayerCase]:
    """Whole layers: the same convolutions, drained."""
    return cases_of(partial(layer, depthwise=depthwise))


def requantizations() -> st.SearchStrategy[RequantizeCase]:
    """Drains with scales that make ties (powers of two), ordinary ones, and far too large ones."""
    return cases_of(requantization)


def assert_convolution_equals_reference(case: ConvolutionCase, path: str, name: str) -> None:
    """The kernel of `path` gives the reference's accumulators."""
    expected = case.run(kernels("reference"), name)
    np.testing.assert_array_equal(case.run(kernels(path), name), expected)


def assert_layer_equals_reference(case: LayerCase, path: str) -> None:
    """The layer of `path` gives the reference's outputs."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))


def assert_requantize_equals_reference(case: RequantizeCase, path: str) -> None:
    """The drain of `path` gives the reference's outputs."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))
