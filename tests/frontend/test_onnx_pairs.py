"""Operators of two tensors against ONNX Runtime: 0 wrong elements on 8 bits, floats, integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.errors import ModelFileError, UnsupportedModelError, UsageError
from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_checks import assert_equal, plain
from tests.support.onnx_operators import MICROSOFT, Model, Operand, qdq

DTYPES = ("uint8", "int8")
ARITHMETIC = ("Sub", "Div", "Max", "Min", "Pow")
SHAPES = [
    ((2, 3, 4, 5), (2, 3, 4, 5)), ((1, 4, 4, 8), (8,)), ((4, 1, 8), (2, 1, 4, 1)),
    ((3, 1, 2, 1, 2), (2, 2)), ((7,), (1,)),
]  # fmt: skip
ALL_PAIRS = ((256, 1), (1, 256))


def _operands(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], dtype: str, seed: int
) -> tuple[dict[str, Operand], Operand]:
    """Random scales, or one power of two for all; zero points that lie at the ends, too."""
    random, info = np.random.default_rng(seed), np.iinfo(dtype)
    scales = np.exp(random.uniform(-5, -1, 3)) if seed % 3 else np.full(3, 0.25)
    ends = [info.min, info.max, int(random.integers(info.min, info.max))]
    zeros = [int(zero) for zero in random.choice(ends, 3)]
    a, b = (Operand(shapes[i], float(scales[i]), zeros[i]) for i in range(2))
    return {"a": a, "b": b}, Operand((), float(scales[2]), zeros[2])


@pytest.mark.parametrize("op", ARITHMETIC)
@pytest.mark.parametrize("dtype", DTYPES)
def test_between_dequantization_and_quantization(tmp_path: Path, op: str, dtype: str) -> None:
    for seed, shapes in enumerate(SHAPES):
        operands, y = _operands(shapes, dtype, seed)
        graph = assert_equal(qdq(op, operands, y, dtype=dtype), tmp_path, dtype, 1)
        assert len(graph.nodes) == 1


@pytest.mark.parametrize("op", ARITHMETIC)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_pairs_of_stored_values(tmp_path: Path, op: str, dtype: str) -> None:
    for seed in range(4):
        operands, y = _operands(ALL_PAIRS, dtype, seed)
        operands["a"] = Operand((256, 1), operands["a"].scale, operands["a"].zero)
        assert_equal(qdq(op, operands, y, dtype=dtype), tmp_path, dtype, 2, ("reference", "c"))


@pytest.mark.parametrize("op", ["BitwiseAnd", "BitwiseOr", "BitwiseXor"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_bits_of_integers(tmp_path: Path, op: str, dtype: str) -> None:
    inputs = {"a": (dtype, (50, 4)), "b": (dtype, (4,))}
    assert_equal(plain(op, inputs, dtype, opset=18), tmp_path)


def test_all_bits_turned_over(tmp_path: Path) -> None:
    assert_equal(plain("BitwiseNot", {"a": ("uint8", (50, 4))}, "uint8", opset=18), tmp_path)


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_shifts(tmp_path: Path, direction: str) -> None:
    places = {"b": np.array([0, 1, 5, 7], np.uint8)}
    model = plain("BitShift", {"a": ("uint8", (50, 4))}, "uint8", places, direction=direction)
    assert_equal(model, tmp_path)


@pytest.mark.parametrize("fmod", [0, 1])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
def test_remainders_of_integers(tmp_path: Path, fmod: int, dtype: str) -> None:
    divisors = {"b": np.array([3, 7, 100, 1] if dtype == "uint8" else [3, -7, 100, -1], dtype)}
    model = plain("Mod", {"a": (dtype, (50, 4))}, dtype, divisors, fmod=fmod)
    assert_equal(model, tmp_path)


def test_remainders_of_reals(tmp_path: Path) -> None:
    inputs = {"a": ("float32", (50, 4)), "b": ("float32", (4,))}
    assert_equal(plain("Mod", inputs, "float32", fmod=1), tmp_path)


@pytest.mark.parametrize("op", ["Add", "Mul", *ARITHMETIC])
def test_on_reals(tmp_path: Path, op: str) -> None:
    inputs = {"a": ("float32", (3, 4, 5)), "b": ("float32", (4, 1))}
    if op == "Pow":  # ONNX Runtime's power is that of the C library, within one last bit
        onnx.save(plain(op, inputs, "float32"), tmp_path / "pow.onnx")
        a, b = np.full((3, 4, 5), 1.7, np.float32), np.linspace(-3, 3, 4, dtype=np.float32)[:, None]
        found = evaluate(read_onnx(tmp_path / "pow.onnx"), {"a": a, "b": b})["y"]
        np.testing.assert_allclose(found, np.power(a.astype(np.float64), b), rtol=2**-24)
        return
    assert_equal(plain(op, inputs, "float32"), tmp_path)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Max", "Min"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_on_integers_that_mean_themselves(tmp_path: Path, op: str, dtype: str) -> None:
    inputs = {"a": (dtype, (3, 4, 5)), "b": (dtype, (4, 1))}
    assert_equal(plain(op, inputs, dtype), tmp_path)


def test_a_quotient_of_integers_drops_what_follows_the_point(tmp_path: Path) -> None:
    divisors = {"b": np.array([-7, -3, 3, 7], np.int64)}
    assert_equal(plain("Div", {"a": ("int64", (50, 4))}, "int64", divisors), tmp_path)


def test_an_integer_divided_by_zero_is_an_error(tmp_path: Path) -> None:
    model = plain("Div", {"a": ("int64", (2,))}, "int64", {"b": np.array([0, 1], np.int64)})
    onnx.save(model, tmp_path / "div.onnx")
    with pytest.raises(UsageError, match="divided by zero"):
        evaluate(read_onnx(tmp_path / "div.onnx"), {"a": np.ones(2, np.int64)})


def test_extrema_of_three_tensors(tmp_path: Path) -> None:
    inputs = {"a": ("float32", (3, 4)), "b": ("float32", (4,)), "c": ("float32", (2, 1, 1))}
    graph = assert_equal(plain("Max", inputs, "float32"), tmp_path)
    assert [node.op.kind for node in graph.nodes] == ["maximum", "maximum"]


def _after(
    op: str, dtype: str, constant: np.ndarray | None, first: bool, relu: bool, seed: int
) -> onnx.ModelProto:
    """x and a real constant, or another quantized tensor; with or without a ReLU behind."""
    model, (operands, y) = Model(dtype), _operands(((4, 6, 5), (4, 6, 5)), dtype, seed)
    for name, operand in operands.items():
        if name == "a" or constant is None:
            given = model.operand(name, operand)
            model.nodes.append(helper.make_node("DequantizeLinear", given, [f"{name}_real"]))
    other = "b_real" if constant is None else model.constant("c", constant, np.float32)
    pair = ["a_real", other] if first else [other, "a_real"]
    model.nodes.append(helper.make_node(op, pair, ["real"], "operator"))
    if relu:
        model.nodes.append(helper.make_node("Relu", ["real"], ["clamped"]))
    parameters = model.parameters("y", y, dtype)
    last = "clamped" if relu else "real"
    model.nodes.append(helper.make_node("QuantizeLinear", [last, *parameters], ["y"]))
    return model.finished(None, 17)


@pytest.mark.parametrize("op", ["Add", "Mul", *ARITHMETIC])
@pytest.mark.parametrize("dtype", DTYPES)
def test_beside_a_real_constant_and_before_a_clamp(tmp_path: Path, op: str, dtype: str) -> None:
    """A real constant needs no quantization of its own; ONNX Runtime clamps in float32."""
    random = np.random.default_rng(5)
    for seed in range(12):
        shape: tuple[int, ...] = [(), (5,), (6, 1)][seed % 3]
        constant = None if seed % 4 == 0 else random.normal(0, 2, shape).astype(np.float32)
        model = _after(op, dtype, constant, bool(seed % 2), seed % 3 == 0, seed)
        graph = assert_equal(model, tmp_path, dtype, 1)
        assert len(graph.nodes) == 1 and not graph.notes


@pytest.mark.parametrize("exponent", [2.0, 3.0, -1.0, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_of_all_stored_values(tmp_path: Path, exponent: float, dtype: str) -> None:
    """Squares and cubes are products in ONNX Runtime, with a rounding a product."""
    for seed in range(6):
        operands, y = _operands(((256,), ()), dtype, seed)
        extra = {"c": np.float32(exponent)}
        model = qdq("Pow", {"a": operands["a"]}, y, dtype=dtype, extra=extra)
        graph = assert_equal(model, tmp_path, dtype, 3)
        assert [node.op.kind for node in graph.nodes] == ["square" if exponent == 2 else "pow"]


COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_comparisons(tmp_path: Path, op: str, dtype: str) -> None:
    assert_equal(plain(op, {"a": (dtype, (3, 40)), "b": (dtype, (3, 1))}, "bool"), tmp_path)


@pytest.mark.parametrize("op", ["And", "Or", "Xor", "Not"])
def test_truth_values(tmp_path: Path, op: str) -> None:
    inputs = {"a": ("bool", (3, 4)), "b": ("bool", (4,))}
    if op == "Not":
        del inputs["b"]
    assert_equal(plain(op, inputs, "bool"), tmp_path)


def _where(form: str, dtype: str, quantizations: list[tuple[float, int]]) -> onnx.ModelProto:
    model = Model(dtype)
    model.inputs.append(helper.make_tensor_value_info("c", TensorProto.BOOL, (4, 1)))
    sides = {name: Operand(shape, *q) for (name, shape), q in
             zip((("a", (3, 4, 5)), ("b", (5,))), quantizations, strict=False)}  # fmt: skip
    given = {name: model.operand(name, side) for name, side in sides.items()}
    y = model.parameters("y", Operand((), *quantizations[2]), dtype)
    if form == "qlinear":
        names = ["c", *given["a"], *given["b"], *y]
        model.nodes.append(helper.make_node("QLinearWhere", names, ["y"], domain=MICROSOFT))
        return model.finished(None, 17)
    for name, parts in given.items():
        model.nodes.append(helper.make_node("DequantizeLinear", parts, [f"{name}_real"]))
    model.nodes.append(helper.make_node("Where", ["c", "a_real", "b_real"], ["y_real"]))
    model.nodes.append(helper.make_node("QuantizeLinear", ["y_real", *y], ["y"]))
    return model.finished(None, 17)


@pytest.mark.parametrize("form", ["qdq", "qlinear"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "quantizations",
    [[(0.02, 7), (0.031, -3), (0.011, 5)], [(0.02, 7)] * 3, [(0.5, 1), (0.25, 1), (0.5, 1)]],
)
def test_selection(
    tmp_path: Path, form: str, dtype: str, quantizations: list[tuple[float, int]]
) -> None:
    shift = 100 if dtype == "uint8" else 0
    moved = [(scale, zero + shift) for scale, zero in quantizations]
    graph = assert_equal(_where(form, dtype, moved), tmp_path, dtype)
    assert [node.op.kind for node in graph.nodes] == ["select"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [True, False])
def test_a_mask_of_real_constants(tmp_path: Path, dtype: str, first: bool) -> None:
    """Exporters write masks as the lowest float32."""
    model = Model(dtype)
    names = model.operand("x", Operand((3, 8), 0.02, 5))
    model.nodes.append(helper.make_node("DequantizeLinear", names, ["x_real"]))
    mask = model.constant("mask", np.arange(24).reshape(3, 8) % 3 == 0, np.bool_)
    low = model.constant("low", np.float32([-3.4e38] * 7 + [0.013]), np.float32)
    sides = ["x_real", low] if first else [low, "x_real"]
    model.nodes.append(helper.make_node("Where", [mask, *sides], ["y_real"]))
    parameters = model.parameters("y", Operand((), 0.03, 1), dtype)
    model.nodes.append(helper.make_node("QuantizeLinear", ["y_real", *parameters], ["y"]))
    graph = assert_equal(model.finished(None, 17), tmp_path, dtype)
    assert [node.op.kind for node in graph.nodes] == ["select"]


def test_tensors_of_two_formats_are_refused_by_name(tmp_path: Path) -> None:
    model = plain("Sub", {"a": ("float32", (3,)), "b": ("int32", (3,))}, "float32")
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match=r"operator.*reads fp32 and int32 together"):
        read_onnx(tmp_path / "one.onnx")


def test_shapes_that_do_not_broadcast_are_refused(tmp_path: Path) -> None:
    for op in ("Sub", "Max", "Less"):
        out = "bool" if op == "Less" else "float32"
        model = plain(op, {"a": ("float32", (3, 4)), "b": ("float32", (5,))}, out)
        onnx.save(model, tmp_path / "one.onnx")
        with pytest.raises(ModelFileError, match=r"operator.*broadcast"):
            read_onnx(tmp_path / "one.onnx")


def test_an_absent_operand_is_refused(tmp_path: Path) -> None:
    onnx.save(plain("Sub", {"a": ("float32", (3,))}, "float32"), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="has no input 1"):
        read_onnx(tmp_path / "one.onnx")
