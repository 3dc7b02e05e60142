"""Resizes as matrices: rows that are averages, and cases that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.numerics.resize import coordinates_onnx
from npusim.numerics.resize_matrix import Interpolation, cropped_places, resize_matrix

KINDS = [
    Interpolation(kind, a, antialias, exclude)
    for kind, a, exclude in (("linear", 0, False), ("cubic", -0.5, False), ("cubic", -0.75, True))
    for antialias in (False, True)
]  # fmt: skip


@pytest.mark.parametrize("how", KINDS, ids=str)
@pytest.mark.parametrize("after", [3, 8, 19])
def test_every_row_is_an_average(how: Interpolation, after: int) -> None:
    places = coordinates_onnx(8, after, np.float32(after / 8), "half_pixel")
    matrix = resize_matrix(8, places, after / 8, how)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("how", KINDS, ids=str)
def test_an_axis_of_the_same_extent_stays(how: Interpolation) -> None:
    np.testing.assert_array_equal(resize_matrix(5, np.arange(5.0), 1.0, how), np.eye(5))


def test_half_way_cubic_weights_are_those_of_the_formula() -> None:
    (row,) = resize_matrix(6, np.array([2.5]), 1.0, Interpolation("cubic", -0.75))
    np.testing.assert_allclose(row, [0, -0.09375, 0.59375, 0.59375, -0.09375, 0])


def test_taps_beyond_the_end_are_the_element_there() -> None:
    (row,) = resize_matrix(4, np.array([-0.25]), 1.0, Interpolation())
    np.testing.assert_array_equal(row, [1, 0, 0, 0])


def test_a_filter_widens_with_the_reduction() -> None:
    (row,) = resize_matrix(8, np.array([3.5]), 0.25, Interpolation(antialias=True))
    np.testing.assert_allclose(row, np.array([1, 3, 5, 7, 7, 5, 3, 1]) / 32)


def test_a_region_of_one_element_is_its_middle() -> None:
    np.testing.assert_allclose(cropped_places(5, 1, (0.25, 0.75)), [2.0])
    np.testing.assert_allclose(cropped_places(5, 3, (0.0, 0.5)), [0.0, 1.0, 2.0])
