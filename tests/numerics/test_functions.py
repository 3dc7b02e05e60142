"""Functions on float32: ONNX Runtime's to the bit, the C library's within a step of the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from npusim.ir.ops.elements.selu import Selu
from npusim.numerics.functions import C_LIBRARY
from npusim.numerics.onnx_functions import ONNX_RUNTIME

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

MICROSOFT = "com.microsoft"
OPERATORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "celu": ("Celu", "", {"alpha": 1.3}),
    "elu": ("Elu", "", {"alpha": 1.3}),
    "erf": ("Erf", "", {}),
    "exp": ("Exp", "", {}),
    "gelu": ("Gelu", "", {"approximate": "none"}),
    "hard_sigmoid": ("HardSigmoid", "", {"alpha": 0.17, "beta": 0.45}),
    "hard_swish": ("HardSwish", "", {}),
    "leaky_relu": ("LeakyRelu", "", {"alpha": 0.17}),
    "log": ("Log", "", {}),
    "logistic": ("Sigmoid", "", {}),
    "mish": ("Mish", "", {}),
    "quick_gelu": ("QuickGelu", MICROSOFT, {"alpha": 1.702}),
    "reciprocal": ("Reciprocal", "", {}),
    "round": ("Round", "", {}),
    "selu": ("Selu", "", {}),
    "softplus": ("Softplus", "", {}),
    "softsign": ("Softsign", "", {}),
    "sqrt": ("Sqrt", "", {}),
    "tanh": ("Tanh", "", {}),
}
ATTRIBUTES = {"gelu": (False,), "selu": (Selu.alpha, Selu.gamma)}
"""Attributes that npusim writes otherwise than ONNX."""


def _values() -> np.ndarray:
    random = np.random.default_rng(3)
    parts = [
        random.normal(0, 4, 4096),
        random.uniform(-120, 120, 4096),
        random.normal(0, 0.05, 4096),
    ]
    special = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, np.inf, -np.inf, np.nan, 1e-40, 3e38]
    return np.concatenate([*parts, special + [0.0] * 5]).astype(np.float32)


def _onnx_runtime(op: str, domain: str, attributes: dict[str, Any], x: np.ndarray) -> np.ndarray:
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    node = helper.make_node(op, ["x"], ["y"], domain=domain, **attributes)
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    result: np.ndarray = session.run(None, {"x": x})[0]
    return result


@pytest.mark.parametrize("name", OPERATORS)
def test_functions_equal_onnx_runtime_to_the_bit(name: str) -> None:
    op, domain, attributes = OPERATORS[name]
    x = _values()
    if name == "gelu":
        x = x[np.isfinite(x)][:12288]
    expected = _onnx_runtime(op, domain, attributes, x)
    found = ONNX_RUNTIME[name](x, *ATTRIBUTES.get(name, tuple(attributes.values())))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


EXACT = {
    "erf": math.erf,
    "exp": math.exp,
    "hard_swish": lambda v: v * min(max(v + 3, 0), 6) / 6,
    "logistic": lambda v: 1 / (1 + math.exp(-v)),
    "softplus": lambda v: math.log1p(math.exp(v)),
    "tanh": math.tanh,
}


@pytest.mark.parametrize("name", EXACT)
def test_functions_of_the_c_library_are_the_true_ones(name: str) -> None:
    x = np.random.default_rng(4).normal(0, 3, 2000).astype(np.float32)
    exact = np.array([EXACT[name](float(value)) for value in x])
    found = C_LIBRARY[name](x)
    assert np.all(np.abs(found - exact) <= 3 * np.spacing(np.abs(exact).astype(np.float32)))
