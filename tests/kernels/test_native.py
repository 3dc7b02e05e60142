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


@pytest.fixture(params=["generic", "avx2", "avx512-vnni"])
def each_instruction_set(request: pytest.FixtureRequest) -> Iterator[None]:
    """Convolutions on each instruction set of this processor, as on one that has no better."""
    from npusim.kernels.native import INSTRUCTION_SETS, instruction_set, limit_instructions

    limit_instructions(request.param)
    if instruction_set() != request.param:
        limit_instructions(INSTRUCTION_SETS[-1])
        pytest.skip(f"this processor has no {request.param}")
    yield
    limit_instructions(INSTRUCTION_SETS[-1])


@pytest.mark.usefixtures("each_instruction_set")
@pytest.mark.parametrize("depthwise", [False, True])
def test_layers_equal_reference_on_each_instruction_set(depthwise: bool) -> None:
    @given(cases.layers(depthwise), cases.convolutions(depthwise))
    def check(layer: cases.LayerCase, sums: cases.ConvolutionCase) -> None:
        cases.assert_layer_equals_reference(layer, "c")
        cases.assert_convolution_equals_reference(sums, "c", "conv_accumulate")

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


@pytest.mark.usefixtures("each_instruction_set")
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("x_dtype", [np.int8, np.uint8])
def test_the_largest_products_of_a_layer(x_dtype: type, depthwise: bool) -> None:
    channels, rng = 300, np.random.default_rng(0)
    groups, depth = (channels, 1) if depthwise else (1, channels)
    filters = 1 if depthwise else 17
    ends = np.array([np.iinfo(x_dtype).min, np.iinfo(x_dtype).max], x_dtype)
    x = rng.choice(ends, (2, 5, 13, groups, depth))
    w = rng.choice(np.array([-128, 127], np.int8), (groups, filters, 3, 3, depth))
    scale = np.full(groups * filters, 2.0**-9)
    arithmetic = make_requantizer("float32_rint", scale.astype(np.float32), scale, 5, -128, 127)
    products = cases.ConvolutionCase(
        x, w, np.empty(0), cases.Tile(*[0] * 12), (1, 1, 1, 1, 1, 1), int(ends[0]),
        np.zeros((groups, filters), np.int32),
    )  # fmt: skip
    out = np.zeros((2, 5, 13, groups, filters), np.int8)
    bias = rng.integers(-(2**31), 2**31, groups * filters).astype(np.int32)
    drain = cases.RequantizeCase(out, bias, arithmetic, out)
    cases.assert_layer_equals_reference(cases.LayerCase(products, drain), "c")


@pytest.mark.usefixtures("each_instruction_set")
@pytest.mark.parametrize("low_high", [(-300, 300), (-128, 200), (5, 1000), (-129, 127)])
def test_bounds_that_no_byte_holds_wrap_as_in_the_reference(low_high: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (1, 4, 5, 1, 9)).astype(np.int8)
    w = rng.integers(-128, 128, (1, 17, 1, 1, 9)).astype(np.int8)
    scale = np.full(17, 0.02)
    for arithmetic in ("float32_rint", "double_rounding"):
        drained = make_requantizer(arithmetic, scale.astype(np.float32), scale, 3, *low_high)
        arguments = w, np.zeros((1, 17), np.int32), 0, (1, 1, 1, 1, 0, 0), np.zeros(17, np.int32)
        found = [np.zeros((1, 4, 5, 1, 17), np.int8) for _ in range(2)]
        for path, out in zip(("c", "reference"), found, strict=True):
            kernels(path).get("convolution_layer")(*arguments, drained)(x, out)
        np.testing.assert_array_equal(*found)


def test_a_layer_keeps_what_it_packed_when_the_instruction_set_changes() -> None:
    from npusim.kernels.native import INSTRUCTION_SETS, limit_instructions

    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (1, 4, 4, 1, 9)).astype(np.int8)
    w = rng.integers(-128, 128, (1, 5, 3, 3, 9)).astype(np.int8)
    scale = np.full(5, 1e-3)
    arithmetic = make_requantizer("float32_rint", scale.astype(np.float32), scale, 0, -128, 127)
    arguments = w, np.zeros((1, 5), np.int32), 3, (1, 1, 1, 1, 1, 1), np.zeros(5, np.int32)
    layer = kernels("c").get("convolution_layer")(*arguments, arithmetic)
    found = [np.zeros((1, 4, 4, 1, 5), np.int8) for _ in range(2)]
    layer(x, found[0])
    limit_instructions("generic")
    layer(x, found[1])
    limit_instructions(INSTRUCTION_SETS[-1])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("x", "out"),
    [
        (np.zeros((1, 4, 4, 1, 4), np.int8), np.zeros((1, 4, 4, 1, 5), np.int8)),
        (np.zeros((1, 4, 4, 3), np.int8), np.zeros((1, 4, 4, 1, 5), np.int8)),
        (np.zeros((1, 4, 4, 1, 3), np.int16), np.zeros((1, 4, 4, 1, 5), np.int8)),
        (np.zeros((1, 4, 4, 1, 3), np.int8), np.zeros((2, 4, 4, 1, 5), np.int8)),
        (np.zeros((1, 4, 4, 1, 3), np.int8), np.zeros((1, 4, 4, 1, 6), np.int8)),
        (np.zeros((1, 4, 4, 1, 3), np.int8), np.zeros((1, 4, 4, 1, 5), np.int32)),
    ],
)
def test_arrays_that_do_not_fit_a_layer_are_refused(x: np.ndarray, out: np.ndarray) -> None:
    scale = np.full(5, 1e-3)
    arithmetic = make_requantizer("float32_rint", scale.astype(np.float32), scale, 0, -128, 127)
    w, zeros, bias = np.ones((1, 5, 1, 1, 3), np.int8), np.zeros((1, 5), np.int32), np.zeros(5)
    with pytest.raises(ValueError):
        kernels("c").get("convolution_layer")(w, zeros, 0, (1, 1, 1, 1, 0, 0), bias, arithmetic)
    bias = bias.astype(np.int32)
    make = kernels("c").get("convolution_layer")
    layer = make(w, zeros, 0, (1, 1, 1, 1, 0, 0), bias, arithmetic)
    with pytest.raises(ValueError):
        layer(x, out)


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
