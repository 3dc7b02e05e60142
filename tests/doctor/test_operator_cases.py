"""Cases of functions of one and two elements come from the operators, all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npusim.doctor.draws import RandomDraw
from npusim.doctor.operator_cases import operator_cases, operators
from npusim.kernels.table import kernels
from npusim.kernels.tables import PAIR_KERNELS, SINGLE_KERNELS


def test_operators_are_found_by_themselves() -> None:
    kinds = {op.kind for op in operators()}
    assert {"add", "mul", "div", "prelu", "logistic", "gelu", "leaky_relu", "compare"} <= kinds


def test_every_function_of_stored_elements_is_reached() -> None:
    """`dequantize_` and `rescale_` belong to operators of their own."""
    tabled = {
        name for name in kernels("reference").table
        if name.startswith((*PAIR_KERNELS, *SINGLE_KERNELS))
        and not name.startswith(("dequantize_", "rescale_"))
    } - {"unary_float32"}  # fmt: skip
    reached = {case.name for seed in range(3) for case in operator_cases(RandomDraw(seed))}
    assert tabled <= reached


@given(st.integers(0, 2**32 - 1))
def test_inputs_and_output_have_one_shape(seed: int) -> None:
    case = next(operator_cases(RandomDraw(seed)))
    assert all(x.shape == case.out.shape for x in case.before)
    assert case.run(kernels("reference")).dtype in (np.int8, np.uint8, np.int16, np.bool_)
