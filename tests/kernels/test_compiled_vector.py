"""The vector kernels without C equal the numpy reference to the bit."""

from __future__ import annotations

from hypothesis import given

from tests.support import vector_cases as cases


@given(cases.elementwise_cases())
def test_elementwise_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "numba")


@given(cases.quantize_cases())
def test_quantize_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "numba")


@given(cases.pooling_cases())
def test_pooling_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "numba")


@given(cases.mean_cases())
def test_mean_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "numba")


@given(cases.softmax_cases())
def test_softmax_equals_reference(case: cases.VectorCase) -> None:
    cases.assert_equals_reference(case, "numba")
