"""ONNX clamps, slopes, casts and decomposed activations: 0 wrong elements against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from npusim.errors import ModelFileError, NpusimError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Model, Operand, qdq

DTYPES = ("uint8", "int8")
SHAPE = (2, 8, 5, 6)
SLOPES = np.random.default_rng(1).integers(-100, 100, (8, 1, 1)).astype(np.int8)


def _operands(dtype: str) -> tuple[Operand, Operand]:
    zeros = (117, 140) if dtype == "uint8" else (-11, 12)
    return Operand(SHAPE, 0.03, zeros[0]), Operand((), 0.02, zeros[1])


class Chain:
    """A model whose input is dequantized to `real` and whose last tensor is quantized to y."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.model = Model(dtype)
        x, self.y = _operands(dtype)
        self.node("DequantizeLinear", self.model.operand("x", x), "real")

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        self.model.nodes.append(helper.make_node(op, list(inputs), [output], output, **attributes))
        return output

    def number(self, value: float | None) -> str:
        if value is None:
            return ""
        return self.model.constant(f"c{len(self.model.constants)}", value, np.float32)

    def stored(self, name: str, scale: float, zero: int) -> str:
        """QuantizeLinear and DequantizeLinear of tensor `name`."""
        parameters = self.model.parameters(name, Operand((), scale, zero), self.dtype)
        self.node("QuantizeLinear", [name, *parameters], f"{name}_stored")
        return self.node("DequantizeLinear", [f"{name}_stored", *parameters], f"{name}_real")

    def finished(self, last: str) -> onnx.ModelProto:
        self.node("QuantizeLinear", [last, *self.model.parameters("y", self.y, self.dtype)], "y")
        return self.model.finished(None, 17)


def _check(model: onnx.ModelProto, tmp_path: Path, dtype: str) -> list[str]:
    """The kinds of the operators, which give no wrong element."""
    path = tmp_path / "one.onnx"
    onnx.save(model, path)
    graph = read_onnx(path)
    info = np.iinfo(dtype)
    for seed in range(3):
        x = np.random.default_rng(seed).integers(info.min, info.max + 1, SHAPE).astype(dtype)
        wrong = wrong_elements(graph, session(path, int8=dtype == "int8"), {"x": x})
        assert not any(wrong.values())
    return [node.op.kind for node in graph.nodes]


BOUNDS = [(0.0, 1.0, "relu"), (-1.3, 2.2, "clip"), (None, 1.5, "clip"), (-0.5, None, "clip"),
          (0.2, 0.9, "clip")]  # fmt: skip


@pytest.mark.parametrize(("low", "high", "kind"), BOUNDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_clamp_to_any_bounds(
    tmp_path: Path, low: float | None, high: float | None, kind: str, dtype: str
) -> None:
    chain = Chain(dtype)
    bounds = [chain.number(low), chain.number(high)]
    chain.node("Clip", ["real", *bounds], "clamped")
    assert _check(chain.finished("clamped"), tmp_path, dtype) == [kind]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_clamp_of_stored_integers_before_a_function(tmp_path: Path, dtype: str) -> None:
    model = Model(dtype)
    x, y = _operands(dtype)
    _, *parameters = model.operand("x", x)
    low, high = (model.constant(name, value, dtype) for name, value in (("l", 1), ("h", 90)))
    model.nodes += [
        helper.make_node("Clip", ["x", low, high], ["c"], "clip"),
        helper.make_node("DequantizeLinear", ["c", *parameters], ["real"], "dq"),
        helper.make_node("Tanh", ["real"], ["t"], "tanh"),
        helper.make_node("QuantizeLinear", ["t", *model.parameters("y", y, dtype)], ["y"], "q"),
    ]
    assert _check(model.finished(None, 17), tmp_path, dtype) == ["clip_stored", "tanh"]


def test_a_relu_of_stored_integers(tmp_path: Path) -> None:
    model = Model("int8")
    model.operand("x", _operands("int8")[0])
    model.nodes.append(helper.make_node("Relu", ["x"], ["y"], "relu"))
    assert _check(model.finished(None, 17), tmp_path, "int8") == ["clip_stored"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_that_are_stored(tmp_path: Path, dtype: str) -> None:
    x, y = _operands(dtype)
    operands = {"x": x, "slope": Operand(SLOPES.shape, 0.01, 3, SLOPES)}
    assert _check(qdq("PRelu", operands, y, dtype=dtype), tmp_path, dtype) == ["prelu"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_that_are_real(tmp_path: Path, dtype: str) -> None:
    x, y = _operands(dtype)
    slopes = {"slope": SLOPES * np.float32(0.01)}
    kinds = _check(qdq("PRelu", {"x": x}, y, dtype=dtype, extra=slopes), tmp_path, dtype)
    assert kinds == ["prelu"]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("op", ["Sigmoid", "HardSigmoid"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_swish_by_its_parts(tmp_path: Path, op: str, stored: bool, dtype: str) -> None:
    chain = Chain(dtype)
    attributes = {"alpha": 1 / 6, "beta": 0.5} if op == "HardSigmoid" else {}
    gate = chain.node(op, ["real"], "gate", **attributes)
    if stored:
        gate = chain.stored("gate", 1 / 255, 0 if dtype == "uint8" else -128)
    chain.node("Mul", ["real", gate], "product")
    kinds = _check(chain.finished("product"), tmp_path, dtype)
    assert ("dequantize" in kinds) is not stored


@pytest.mark.parametrize("dtype", DTYPES)
def test_hard_swish_by_add_clip_mul_div(tmp_path: Path, dtype: str) -> None:
    chain = Chain(dtype)
    chain.node("Add", ["real", chain.number(3.0)], "sum")
    chain.node("Clip", ["sum", chain.number(0.0), chain.number(6.0)], "clamped")
    chain.node("Mul", ["real", "clamped"], "product")
    chain.node("Div", ["product", chain.number(6.0)], "quotient")
    _check(chain.finished("quotient"), tmp_path, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_stored_integers_cast_to_reals(tmp_path: Path, dtype: str) -> None:
    model = Model(dtype)
    x, y = _operands(dtype)
    model.operand("x", x)
    model.nodes += [
        helper.make_node("Cast", ["x"], ["real"], "cast", to=TensorProto.FLOAT),
        helper.make_node("QuantizeLinear", ["real", *model.parameters("y", y, dtype)], ["y"], "q"),
    ]
    assert _check(model.finished(None, 17), tmp_path, dtype) == ["cast", "quantize"]


def test_a_cast_to_the_same_format_does_not_stand_in_the_way(tmp_path: Path) -> None:
    chain = Chain("uint8")
    same = chain.node("Cast", ["real"], "same", to=TensorProto.FLOAT)
    chain.node("Tanh", [same], "t")
    assert _check(chain.finished("t"), tmp_path, "uint8") == ["tanh"]


@pytest.mark.parametrize("target", ["uint8", "int32", "int64", "bool", "float32"])
def test_casts_of_reals_equal_onnx_runtime(tmp_path: Path, target: str) -> None:
    x = np.float32([[-0.0, 0.4, 1.0, 2.5, 99.9, 255.0, 3.999, 7.5]])
    kinds = [helper.np_dtype_to_tensor_dtype(np.dtype(each)) for each in ("float32", target)]
    ends = [helper.make_tensor_value_info(*end, x.shape) for end in zip("xy", kinds, strict=True)]
    node = helper.make_node("Cast", ["x"], ["y"], "cast", to=kinds[1])
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    path = tmp_path / "cast.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )
    assert wrong_elements(read_onnx(path), session(path), {"x": x}) == {"y": 0}


def _broken(op: str, **attributes: object) -> tuple[Chain, str]:
    chain = Chain("uint8")
    return chain, chain.node(op, ["real"], "f", **attributes)


DAMAGED: dict[str, tuple[str, dict[str, object], type[NpusimError], str]] = {
    "alpha is text": ("LeakyRelu", {"alpha": "much"}, ModelFileError, "alpha.*not a number"),
    "approximation": ("Gelu", {"approximate": "best"}, UnsupportedModelError, "'best'"),
    "cast to text": ("Cast", {"to": TensorProto.STRING}, UnsupportedModelError, "a cast to"),
    "cast to nothing": ("Cast", {"to": 999}, UnsupportedModelError, "a cast to"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_attributes_are_named(tmp_path: Path, case: str) -> None:
    op, attributes, error, what = DAMAGED[case]
    chain, last = _broken(op, **attributes)
    onnx.save(chain.finished(last), tmp_path / "one.onnx")
    with pytest.raises(error, match=what) as raised:
        read_onnx(tmp_path / "one.onnx")
    assert "'f'" in str(raised.value)


@pytest.mark.parametrize(
    ("bounds", "what"),
    [([np.nan], "no number as 'min'"), ([[0.0, 1.0]], "2 values as 'min'")],
)
def test_damaged_bounds_are_named(tmp_path: Path, bounds: list[object], what: str) -> None:
    chain = Chain("uint8")
    low = chain.model.constant("low", bounds[0], np.float32)
    chain.node("Clip", ["real", low], "clamped")
    onnx.save(chain.finished("clamped"), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match=what):
        read_onnx(tmp_path / "one.onnx")


def test_bounds_that_are_computed_are_refused(tmp_path: Path) -> None:
    chain = Chain("uint8")
    chain.node("ReduceMax", ["real"], "largest", keepdims=0)
    chain.node("Clip", ["real", "", "largest"], "clamped")
    onnx.save(chain.finished("clamped"), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="must be a constant"):
        read_onnx(tmp_path / "one.onnx")


def test_slopes_that_do_not_broadcast_are_damage(tmp_path: Path) -> None:
    x, y = _operands("uint8")
    slopes = np.ones((3, 2, 8, 5, 6), np.float32)
    onnx.save(qdq("PRelu", {"x": x}, y, extra={"slope": slopes}), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="don't broadcast"):
        read_onnx(tmp_path / "one.onnx")


def test_a_function_of_stored_integers_is_refused(tmp_path: Path) -> None:
    model = Model("int8")
    model.operand("x", _operands("int8")[0])
    model.nodes.append(helper.make_node("Abs", ["x"], ["y"], "abs"))
    onnx.save(model.finished(None, 17), tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="Abs of integers"):
        read_onnx(tmp_path / "one.onnx")
