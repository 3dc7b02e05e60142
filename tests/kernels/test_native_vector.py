"""The C kernels of the vector unit equal the numpy reference to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from npusim.kernels.table import kernels, native_available
from npusim.numerics.rescale import Affine
from tests.support import vector_cases as cases

pytestmark = pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")

AFFINE = Affine(np.float32(0.5), 0, -128, 127)
WITHOUT_C = {
    "arg_extremum", "cast_exact", "clip_exact", "cum_sum_plain", "l2_normalization_fixed_point",
    "lstm_cell_fixed_point", "mean_double_rounding_as_uint8", "mean_float32_half_away",
    "pair_plain", "quantize_float64_half_away", "reduce_plain", "reduce_prod_rounded_factor",
    "resize_bilinear_fixed11", "resize_bilinear_float32_half_away", "resize_bilinear_integer",
    "resize_bilinear_truncated", "resize_bilinear_truncated_integer", "scaled_dequantize",
    "scaled_quantize", "softmax_table_513", "top_k_plain",
}  # fmt: skip
"""Kernels that the C path takes from the reference: those that take any format, and rare ones."""


@given(cases.elementwise_cases())
def test_elementwise_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "c")


@given(cases.quantize_cases())
def test_quantize_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "c")


@given(cases.pooling_cases())
def test_pooling_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "c")


@given(cases.mean_cases())
def test_mean_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "c")


@given(cases.softmax_cases())
def test_softmax_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "c")


def test_every_kernel_on_integers_has_a_version_in_c() -> None:
    table, reference = kernels("c"), kernels("reference")
    left = {
        name
        for name in reference.table
        if table.get(name) is reference.get(name) and not name.endswith("_float32")
    }
    assert left == WITHOUT_C


@pytest.mark.parametrize("name", ["add_one_shift", "rescale_double_rounding", "quantize_onnx"])
def test_shapes_that_differ_are_refused(name: str) -> None:
    dtype = np.float32 if name == "quantize_onnx" else np.int8
    inputs = [np.zeros((2, 3), dtype)] * (2 if name == "add_one_shift" else 1)
    with pytest.raises(ValueError):
        kernels("c").get(name)(*inputs, np.zeros((3, 2), np.int8), AFFINE)


@pytest.mark.parametrize(
    ("tile", "geometry"),
    [
        ((0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 2), (2, 2, 1, 1, 1, 1, 0, 0)),
        ((0, 1, 0, 1, 1, 4, 0, 1, 0, 2, 0, 2), (2, 2, 1, 1, 1, 1, 0, 0)),
        ((0, 1, 0, 1, 0, 3, 0, 1, 0, 3, 0, 2), (2, 2, 1, 1, 1, 1, 0, 0)),
        ((0, 1, 0, 1, 0, 3, 0, 1, 0, 2, 0, 2), (2, 2, 0, 1, 1, 1, 0, 0)),
        ((0, 1, 0, 1, 0, 3, 0, 1, 0, 2, 0, 2), (2, 2, 1, 1, 1)),
    ],
)
def test_a_window_that_does_not_fit_is_refused(
    tile: tuple[int, ...], geometry: tuple[int, ...]
) -> None:
    x, out = np.zeros((1, 3, 3, 3), np.int8), np.zeros((1, 2, 2, 3), np.int8)
    with pytest.raises(ValueError):
        kernels("c").get("max_pool_exact")(x, out, tile, geometry, (-128, 127))
