"""ONNX functions of one element: 0 wrong elements against ONNX Runtime for all 256 inputs.

Scales are drawn at random over three decades, powers of two among them, and zero points include the
ends of the range. One model holds many instances of an operator, each with scales of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import MICROSOFT, session, wrong_elements
from tests.support.onnx_operators import Model, Operand

DTYPES = ("uint8", "int8")
FUNCTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "abs": ("Abs", {}, ""),
    "celu": ("Celu", {"alpha": 1.3}, ""),
    "ceil": ("Ceil", {}, ""),
    "elu": ("Elu", {"alpha": 1.3}, ""),
    "erf": ("Erf", {}, ""),
    "exp": ("Exp", {}, ""),
    "fast gelu": ("FastGelu", {}, MICROSOFT),
    "floor": ("Floor", {}, ""),
    "gelu": ("Gelu", {}, ""),
    "gelu of Microsoft": ("Gelu", {}, MICROSOFT),
    "gelu by tanh": ("Gelu", {"approximate": "tanh"}, ""),
    "hard sigmoid": ("HardSigmoid", {"alpha": 0.17, "beta": 0.45}, ""),
    "hard swish": ("HardSwish", {}, ""),
    "leaky relu": ("LeakyRelu", {"alpha": 0.17}, ""),
    "leaky relu of negative slope": ("LeakyRelu", {"alpha": -0.3}, ""),
    "log": ("Log", {}, ""),
    "mish": ("Mish", {}, ""),
    "neg": ("Neg", {}, ""),
    "quick gelu": ("QuickGelu", {"alpha": 1.0}, MICROSOFT),
    "reciprocal": ("Reciprocal", {}, ""),
    "round": ("Round", {}, ""),
    "selu": ("Selu", {}, ""),
    "sigmoid": ("Sigmoid", {}, ""),
    "sign": ("Sign", {}, ""),
    "softplus": ("Softplus", {}, ""),
    "softsign": ("Softsign", {}, ""),
    "sqrt": ("Sqrt", {}, ""),
    "tanh": ("Tanh", {}, ""),
    "acos": ("Acos", {}, ""),
    "acosh": ("Acosh", {}, ""),
    "asin": ("Asin", {}, ""),
    "asinh": ("Asinh", {}, ""),
    "atan": ("Atan", {}, ""),
    "atanh": ("Atanh", {}, ""),
    "cos": ("Cos", {}, ""),
    "cosh": ("Cosh", {}, ""),
    "sin": ("Sin", {}, ""),
    "sinh": ("Sinh", {}, ""),
    "tan": ("Tan", {}, ""),
    "shrink": ("Shrink", {"lambd": 0.4, "bias": 0.1}, ""),
    "thresholded relu": ("ThresholdedRelu", {"alpha": 0.7}, ""),
}
QUANTIZED = {"leaky relu": "QLinearLeakyRelu", "sigmoid": "QLinearSigmoid"}
INSTANCES, MANY = 24, 400


def _grid(dtype: str) -> np.ndarray:
    return np.arange(256).astype(np.uint8).view(dtype)


def _scale(random: np.random.Generator) -> np.float32:
    if random.random() < 0.3:
        return np.float32(2.0 ** random.integers(-9, 1))
    return np.float32(np.exp(random.uniform(-7, 0)))


def _zero(random: np.random.Generator, dtype: str) -> int:
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    choices = (low, high, (low + high + 1) // 2, int(random.integers(low, high + 1)))
    return int(random.choice(choices))


def _many(name: str, dtype: str, instances: int, quantized: bool) -> onnx.ModelProto:
    """One input of all 256 values, read by `instances` operators of random scales."""
    op, attributes, domain = FUNCTIONS[name]
    random = np.random.default_rng(len(name))
    model, outputs = Model(dtype), []
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    for i in range(instances):
        x = Operand((256,), _scale(random), _zero(random, dtype))
        y = Operand((), _scale(random), _zero(random, dtype))
        ins = [f"x{i}", *model.parameters(f"x{i}", x, dtype)]
        out = model.parameters(f"y{i}", y, dtype)
        model.inputs.append(helper.make_tensor_value_info(f"x{i}", kind, (256,)))
        outputs.append(helper.make_tensor_value_info(f"y{i}", kind, (256,)))
        if quantized:
            model.nodes.append(helper.make_node(QUANTIZED[name], [*ins, *out], [f"y{i}"], f"n{i}",
                                                domain=MICROSOFT, **attributes))  # fmt: skip
            continue
        model.nodes += [
            helper.make_node("DequantizeLinear", ins, [f"r{i}"], f"d{i}"),
            helper.make_node(op, [f"r{i}"], [f"f{i}"], f"n{i}", domain=domain, **attributes),
            helper.make_node("QuantizeLinear", [f"f{i}", *out], [f"y{i}"], f"q{i}"),
        ]
    graph = helper.make_graph(model.nodes, "many", model.inputs, outputs, model.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _wrong(model: onnx.ModelProto, tmp_path: Path, dtype: str) -> dict[str, int]:
    path = tmp_path / "many.onnx"
    onnx.save(model, path)
    graph = read_onnx(path)
    assert not {"quantize", "dequantize"} & {node.op.kind for node in graph.nodes}
    inputs = {name: _grid(dtype) for name in graph.inputs}
    wrong = wrong_elements(graph, session(path, int8=dtype == "int8"), inputs)
    return {name: count for name, count in wrong.items() if count}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_inputs_between_quantizations(tmp_path: Path, name: str, dtype: str) -> None:
    assert _wrong(_many(name, dtype, INSTANCES, False), tmp_path, dtype) == {}


@pytest.mark.parametrize("name", QUANTIZED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_inputs_of_the_quantized_form(tmp_path: Path, name: str, dtype: str) -> None:
    assert _wrong(_many(name, dtype, INSTANCES, True), tmp_path, dtype) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_inputs_over_many_scales(tmp_path: Path, name: str, dtype: str) -> None:
    assert _wrong(_many(name, dtype, MANY, False), tmp_path, dtype) == {}
