"""The C kernels equal the numpy reference to the bit, and refuse arguments that do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given

from npusim.kernels.table import kernels, native_available
from npusim.numerics.requantize import make_requantizer
from tests.support import kernel_cases as cases

pytestmark = pytest.mark.skipif(not native_available(), reason="installed with NPUSIM_NO_C=1")


@given(cases.convolutions())
def test_convolution_equals_reference(case: cases.ConvolutionCase) -> None:
    cases.assert_convolution_equals_reference(case, "c", "conv_accumulate")


@pytest.fixture
def generic_c() -> Iterator[None]:
    """Convolutions in plain C, as on a processor without AVX2."""
    from npusim.kernels._native import lib

    lib.npusim_use_only_generic(1)
    yield
    lib.npusim_use_only_generic(0)


@pytest.mark.usefixtures("generic_c")
def test_plain_c_equals_reference() -> None:
    from npusim.kernels.native import instruction_set

    @given(cases.convolutions())
    def check(case: cases.ConvolutionCase) -> None:
        cases.assert_convolution_equals_reference(case, "c", "conv_accumulate")

    assert instruction_set() == "generic"
    check()


@given(cases.convolutions(depthwise=True))
def test_depthwise_equals_reference(case: cases.ConvolutionCase) -> None:
    cases.assert_convolution_equals_reference(case, "c", "depthwise_accumulate")
    cases.assert_convolution_equals_reference(case, "c", "conv_accumulate")


@given(cases.requantizations())
def test_requantize_equals_reference(case: cases.RequantizeCase) -> None:
    cases.assert_requantize_equals_reference(case, "c")


def test_every_rounding_tie_of_an_eight_bit_output() -> None:
    acc = np.arange(-1024, 1024, dtype=np.int32).reshape(1, 1, 2048, 1, 1)
    for arithmetic in ("float32_rint", "double_rounding", "single_rounding"):
        for shift in range(1, 6):
            scale = np.array([2.0**-shift])
            requantizer = make_requantizer(
                arithmetic, scale.astype(np.float32), scale, 0, -128, 127
            )
            case = cases.RequantizeCase(
                acc, np.zeros(1, np.int32), requantizer, np.zeros(acc.shape, np.int8)
            )
            cases.assert_requantize_equals_reference(case, "c")


def test_a_sum_of_the_largest_products_wraps() -> None:
    channels = 40_000
    x = np.full((1, 1, 1, 1, channels), 255, np.uint8)
    w = np.full((1, 1, 1, 1, channels), 255, np.uint8)
    for pixels in (1, 9):
        batch = np.repeat(x, pixels, 0)
        acc = np.zeros((pixels, 1, 1, 1, 1), np.int32)
        tile = (0, pixels, 0, 1, 0, 1, 0, channels, 0, 1, 0, 1)
        zeros = np.zeros((1, 1), np.int32)
        kernels("c").get("conv_accumulate")(batch, w, acc, tile, (1, 1, 1, 1, 0, 0), 0, zeros)
        exact = 255 * 255 * channels
        assert exact > 2**31
        assert (acc == exact - 2**32).all()


def _case() -> cases.ConvolutionCase:
    return cases.ConvolutionCase(
        np.zeros((2, 4, 4, 1, 3), np.int8),
        np.zeros((1, 5, 1, 1, 3), np.int8),
        np.zeros((2, 4, 4, 1, 5), np.int32),
        cases.Tile(0, 2, 0, 1, 0, 5, 0, 3, 0, 4, 0, 4),
        (1, 1, 1, 1, 0, 0),
        0,
        np.zeros((1, 5), np.int32),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((2, 4, 4, 3), np.int8)},
        {"x": np.zeros((2, 4, 4, 1, 3), np.int16)},
        {"x": np.zeros((2, 4, 4, 2, 3), np.int8)},
        {"w": np.zeros((1, 5, 1, 1, 4), np.int8)},
        {"w_zero": np.zeros((1, 4), np.int32)},
        {"w_zero": np.zeros((1, 5), np.int64)},
        {"acc": np.zeros((2, 4, 4, 1, 4), np.int32)},
        {"acc": np.zeros((2, 4, 4, 1, 5), np.int64)},
        {"acc": np.zeros((2, 4, 4, 1, 5), np.dtype(">i4"))},
        {"tile": cases.Tile(0, 2, 0, 1, 1, 6, 0, 3, 0, 4, 0, 4)},
        {"tile": cases.Tile(0, 2, 0, 1, 0, 5, 1, 4, 0, 4, 0, 4)},
        {"tile": cases.Tile(1, 3, 0, 1, 0, 5, 0, 3, 0, 4, 0, 4)},
        {"tile": cases.Tile(0, 2, 1, 2, 0, 5, 0, 3, 0, 4, 0, 4)},
        {"tile": cases.Tile(0, 2, 0, 1, 0, 5, 0, 3, -1, 3, 0, 4)},
        {"tile": cases.Tile(0, 2, 0, 1, 0, 5, 3, 0, 0, 4, 0, 4)},
        {"geometry": (0, 1, 1, 1, 0, 0)},
        {"geometry": (1, 1, 1, 1)},
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    case = dataclasses.replace(_case(), **change)
    with pytest.raises(ValueError):
        case.run(kernels("c"), "conv_accumulate")
    case = _case()
    assert (case.run(kernels("c"), "conv_accumulate") == 0).all()


def test_a_read_only_output_is_refused() -> None:
    case = _case()
    case.acc.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        kernels("c").get("conv_accumulate")(
            case.x, case.w, case.acc, case.tile, case.geometry, case.x_zero, case.w_zero
        )


def test_weights_that_are_not_depthwise_are_refused() -> None:
    with pytest.raises(ValueError, match="not depthwise"):
        _case().run(kernels("c"), "depthwise_accumulate")


@pytest.mark.parametrize(
    ("x_zero", "geometry"), [(1000, (1, 1, 1, 1, 0, 0)), (3, (1 << 20, 1, 1, 1, 0, 0))]
)
def test_numbers_outside_the_fast_range_give_the_same_bits(
    x_zero: int, geometry: tuple[int, int, int, int, int, int]
) -> None:
    case = dataclasses.replace(_case(), x_zero=x_zero, geometry=geometry)
    cases.assert_convolution_equals_reference(case, "c", "conv_accumulate")


@pytest.mark.parametrize("wrong", ["bias", "out", "scale"])
def test_a_drain_that_does_not_fit_is_refused(wrong: str) -> None:
    acc = np.zeros((1, 2, 2, 1, 3), np.int32)
    bias, scale, out = np.zeros(3, np.int32), np.ones(3), np.zeros(acc.shape, np.int8)
    if wrong == "bias":
        bias = bias[:2]
    elif wrong == "scale":
        scale = scale[:2]
    else:
        out = out[:, :1]
    requantizer = make_requantizer("float32_rint", scale.astype(np.float32), scale, 0, -128, 127)
    with pytest.raises(ValueError):
        kernels("c").get("requantize")(acc, bias, requantizer, out)
