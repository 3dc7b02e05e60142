"""The Numba kernels equal the numpy reference to the bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from npusim.kernels.table import kernels
from tests.support import kernel_cases as cases


@given(cases.convolutions())
def test_convolution_equals_reference(case: cases.ConvolutionCase) -> None:
    cases.assert_convolution_equals_reference(case, "numba", "conv_accumulate")


@given(cases.convolutions(depthwise=True))
def test_depthwise_equals_reference(case: cases.ConvolutionCase) -> None:
    cases.assert_convolution_equals_reference(case, "numba", "depthwise_accumulate")
    cases.assert_convolution_equals_reference(case, "numba", "conv_accumulate")


@given(cases.requantizations())
def test_requantize_equals_reference(case: cases.RequantizeCase) -> None:
    cases.assert_requantize_equals_reference(case, "numba")


def test_the_compiled_path_refuses_a_tile_outside_the_arrays() -> None:
    x, w = np.zeros((1, 2, 2, 1, 3), np.int8), np.zeros((1, 4, 1, 1, 3), np.int8)
    acc, zeros = np.zeros((1, 2, 2, 1, 4), np.int32), np.zeros((1, 4), np.int32)
    tile = (0, 1, 0, 1, 1, 5, 0, 3, 0, 2, 0, 2)
    with pytest.raises(ValueError, match="leaves"):
        kernels("numba").get("conv_accumulate")(x, w, acc, tile, (1, 1, 1, 1, 0, 0), 0, zeros)


def test_the_c_path_does_not_load_numba() -> None:
    code = "import sys; from npusim.kernels import native; sys.exit('numba' in sys.modules)"
    pytest.importorskip("npusim.kernels._native", reason="installed with NPUSIM_NO_C=1")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
