"""The Numba kernels equal the numpy reference to the bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from npusim.kernels.compiled import convolution
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


@pytest.mark.parametrize("depthwise", [False, True])
def test_layers_equal_reference(depthwise: bool) -> None:
    @given(cases.layers(depthwise))
    def check(case: cases.LayerCase) -> None:
        cases.assert_layer_equals_reference(case, "numba")

    check()


@pytest.mark.parametrize("channels", [3, 515])
def test_more_outputs_and_weights_than_are_taken_together(channels: int) -> None:
    assert convolution.PIXELS < 2 * 9 * 9
    assert channels < 512 or 9 * channels * 40 > convolution.CACHED_WEIGHTS
    rng = np.random.default_rng(channels)
    x = rng.integers(0, 256, (2, 9, 9, 1, channels)).astype(np.uint8)
    w = rng.integers(-128, 128, (1, 40, 3, 3, channels)).astype(np.int8)
    tile = cases.Tile(0, 2, 0, 1, 0, 40, 0, channels, 0, 9, 0, 9)
    case = cases.ConvolutionCase(
        x, w, np.zeros((2, 9, 9, 1, 40), np.int32), tile, (1, 1, 1, 1, 1, 1), 7,
        rng.integers(-128, 128, (1, 40)).astype(np.int32),
    )  # fmt: skip
    cases.assert_convolution_equals_reference(case, "numba", "conv_accumulate")


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
