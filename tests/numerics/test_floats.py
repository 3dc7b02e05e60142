"""Narrow floating-point formats equal ml_dtypes (not saturating) and ONNX (saturating)."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from npusim.numerics.floats import LAYOUTS, decode, encode, flushed
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format

ORACLES: dict[Format, tuple[Any, int]] = {
    FP8_E4M3: (ml_dtypes.float8_e4m3fn, TensorProto.FLOAT8E4M3FN),
    FP8_E5M2: (ml_dtypes.float8_e5m2, TensorProto.FLOAT8E5M2),
    BF16: (ml_dtypes.bfloat16, TensorProto.BFLOAT16),
    FP16: (np.float16, TensorProto.FLOAT16),
}
FP8 = (FP8_E4M3, FP8_E5M2)


def all_codes(fmt: Format) -> np.ndarray:
    """Every stored number of an 8 or 16-bit format."""
    unsigned = f"uint{fmt.bits}"
    return np.arange(2**fmt.bits).astype(unsigned).view(fmt.dtype)


def boundaries(fmt: Format) -> np.ndarray:
    """float32: every number and every middle of neighbours, what is next to them, and beyond."""
    numbers = decode(all_codes(fmt), fmt)
    numbers = np.unique(numbers[np.isfinite(numbers)]).astype(np.float64)
    middles = (numbers[1:] + numbers[:-1]) / 2
    greatest = numbers[-1]
    last_step = greatest - numbers[-2]
    beyond = greatest + last_step * np.array([0.5, 1.0, 1.5, 2.0, 3.0])
    with np.errstate(over="ignore"):
        points = np.concatenate([numbers, middles, beyond, -beyond]).astype(np.float32)
        nearby = [np.nextafter(points, np.float32(side)) for side in (-np.inf, np.inf)]
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45], np.float32)
    return np.concatenate([points, *nearby, special])


def onnx_model(node: onnx.NodeProto, to: int, **constants: np.ndarray) -> ReferenceEvaluator:
    """The reference evaluator of one node from float32 x to y of type `to`."""
    initializers = [onnx.numpy_helper.from_array(v, name) for name, v in constants.items()]
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [helper.make_tensor_value_info("y", to, [None])], initializers,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return ReferenceEvaluator(model)


@pytest.mark.parametrize("fmt", ORACLES, ids=lambda fmt: fmt.name)
def test_every_code_has_the_value_that_ml_dtypes_gives_it(fmt: Format) -> None:
    codes = all_codes(fmt)
    with np.errstate(invalid="ignore"):
        expected = codes.view(ORACLES[fmt][0]).astype(np.float32)
    found = decode(codes, fmt)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("fmt", FP8, ids=lambda fmt: fmt.name)
def test_every_code_has_the_value_that_onnx_gives_it(fmt: Format) -> None:
    kind = ORACLES[fmt][1]
    tensor = helper.make_tensor("c", kind, [256], all_codes(fmt).tobytes(), raw=True)
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    cast = helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)
    graph = helper.make_graph(
        [constant, cast], "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [256])]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (expected,) = ReferenceEvaluator(model).run(None, {})
    np.testing.assert_array_equal(decode(all_codes(fmt), fmt), expected)


@pytest.mark.parametrize("fmt", ORACLES, ids=lambda fmt: fmt.name)
def test_values_on_every_boundary_are_stored_as_ml_dtypes_does(fmt: Format) -> None:
    values = boundaries(fmt)
    with np.errstate(over="ignore"):
        expected = values.astype(ORACLES[fmt][0])
    found = encode(values, fmt)
    unsigned = f"uint{fmt.bits}"
    np.testing.assert_array_equal(found.view(unsigned), expected.view(unsigned))


@pytest.mark.parametrize("fmt", FP8, ids=lambda fmt: fmt.name)
def test_saturating_casts_are_those_of_onnx(fmt: Format) -> None:
    values, kind = boundaries(fmt), ORACLES[fmt][1]
    node = helper.make_node("Cast", ["x"], ["y"], to=kind, saturate=1)
    (expected,) = onnx_model(node, kind).run(None, {"x": values})
    found = encode(values, fmt, saturate=True)
    np.testing.assert_array_equal(_as_numbers(found, fmt), _as_numbers(expected, fmt))


@pytest.mark.parametrize("fmt", FP8, ids=lambda fmt: fmt.name)
def test_casts_that_do_not_saturate_are_those_of_onnx(fmt: Format) -> None:
    values, kind = boundaries(fmt), ORACLES[fmt][1]
    node = helper.make_node("Cast", ["x"], ["y"], to=kind, saturate=0)
    (expected,) = onnx_model(node, kind).run(None, {"x": values})
    np.testing.assert_array_equal(_as_numbers(encode(values, fmt), fmt), _as_numbers(expected, fmt))


@pytest.mark.parametrize("fmt", FP8, ids=lambda fmt: fmt.name)
def test_quantization_to_fp8_is_that_of_onnx(fmt: Format) -> None:
    values, kind, scale = boundaries(fmt), ORACLES[fmt][1], np.float32(0.3)
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], saturate=1)
    zero = np.zeros((), np.uint8).view(ORACLES[fmt][0])
    (expected,) = onnx_model(node, kind, s=scale, z=zero).run(None, {"x": values})
    found = encode(values / scale, fmt, saturate=True)
    np.testing.assert_array_equal(_as_numbers(found, fmt), _as_numbers(expected, fmt))


@pytest.mark.parametrize("fmt", ORACLES, ids=lambda fmt: fmt.name)
def test_storing_what_was_read_gives_the_same_code(fmt: Format) -> None:
    codes = all_codes(fmt)
    values = decode(codes, fmt)
    numbers = ~np.isnan(values)
    unsigned = f"uint{fmt.bits}"
    again = encode(values, fmt).view(unsigned)
    np.testing.assert_array_equal(again[numbers], codes.view(unsigned)[numbers])


def test_fp32_keeps_its_bits() -> None:
    values = np.array([0.0, -0.0, 1e-45, 3.4028235e38, np.inf, -np.inf, 1 / 3], np.float32)
    np.testing.assert_array_equal(encode(values, FP32).view(np.uint32), values.view(np.uint32))
    assert encode(np.array([1e39, np.inf]), FP32, saturate=True).max() == np.float32(3.4028235e38)


@pytest.mark.parametrize("fmt", ORACLES, ids=lambda fmt: fmt.name)
def test_flushing_takes_subnormals_and_nothing_else(fmt: Format) -> None:
    values = decode(all_codes(fmt), fmt)
    values = values[np.isfinite(values)].astype(np.float64)
    left = flushed(values, fmt)
    tiny = (np.abs(values) < LAYOUTS[fmt.name].least_normal) & (values != 0)
    assert tiny.sum() == 2 * (2 ** LAYOUTS[fmt.name].mantissa_bits - 1)
    assert (left[tiny] == 0).all()
    np.testing.assert_array_equal(np.signbit(left), np.signbit(values))
    np.testing.assert_array_equal(left[~tiny], values[~tiny])


def _as_numbers(stored: np.ndarray, fmt: Format) -> np.ndarray:
    """Their values: how the sign of a NaN is stored is no part of ONNX."""
    return decode(np.asarray(stored).view(fmt.dtype), fmt)
