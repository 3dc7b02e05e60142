"""Random arguments of the vector unit's kernels, and their comparison with the reference."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from npusim.doctor import vector_cases
from npusim.doctor.draws import EIGHT_BIT
from npusim.doctor.operator_cases import FORMATS, operator_case, operators, scales_of
from npusim.doctor.vector_cases import VectorCase
from npusim.kernels.table import kernels
from npusim.numerics.profiles import PROFILES
from tests.support.drawn import Drawn, cases_of

__all__ = [
    "VectorCase",
    "assert_equals_reference",
    "elementwise_cases",
    "mean_cases",
    "pooling_cases",
    "quantize_cases",
    "softmax_cases",
]


def assert_equals_reference(case: VectorCase, path: str) -> None:
    """The kernel of `path` gives the reference's output."""
    np.testing.assert_array_equal(case.run(kernels(path)), case.run(kernels("reference")))


@st.composite
def _operator_cases(draw: st.DrawFn) -> VectorCase:
    """Functions of one and of two elements, as an operator binds them under some profile."""
    op, profile = draw(st.sampled_from(operators())), draw(st.sampled_from([*PROFILES.values()]))
    dtype = draw(st.sampled_from(EIGHT_BIT))
    drawn, fmt = Drawn(draw), FORMATS[np.dtype(dtype).name]
    case = operator_case(drawn, op, profile, fmt, scales_of(drawn, dtype))
    assume(case is not None)
    assert case is not None
    return case


def elementwise_cases() -> st.SearchStrategy[VectorCase]:
    """Functions of one and of two elements, rescaling and dequantization."""
    return st.one_of(cases_of(vector_cases.elementwise_case), _operator_cases())


def quantize_cases() -> st.SearchStrategy[VectorCase]:
    """float32 to 8 bits: ordinary values, ties, infinities and what is no number."""
    return cases_of(vector_cases.quantize_case)


def pooling_cases() -> st.SearchStrategy[VectorCase]:
    """Windows of every kind over any tile; divisors with and without padding."""
    return cases_of(vector_cases.pooling_case)


def mean_cases() -> st.SearchStrategy[VectorCase]:
    """Means over a last axis of up to 60 values, or of one."""
    return cases_of(vector_cases.mean_case)


def softmax_cases() -> st.SearchStrategy[VectorCase]:
    """Softmax over rows of up to 40 values."""
    return cases_of(vector_cases.softmax_case)
