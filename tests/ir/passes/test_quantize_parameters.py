"""float32 weights and biases between Q/DQ: 0 wrong elements against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

CASES = {
    "Conv": ((1, 4, 7, 8), (6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
    "ConvTranspose": ((1, 4, 5, 6), (4, 6, 3, 3), {"strides": [2, 2]}),
    "Gemm": ((5, 13), (13, 6), {}),
}
STORED = {"Conv": "conv2d", "ConvTranspose": "transposed_conv2d", "Gemm": "fully_connected"}


def _real(shape: tuple[int, ...], seed: int, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(offset, 0.1, shape).astype(np.float32)


def _check(model: onnx.ModelProto, path: Path, kind: str) -> None:
    onnx.save(model, path)
    graph = read_onnx(path)
    assert [node.op.kind for node in graph.nodes] == [kind]
    assert any("'operator'" in note for note in graph.notes)
    for seed in range(4):
        x = np.random.default_rng(seed).integers(0, 256, graph.tensors["x"].shape).astype(np.uint8)
        assert wrong_elements(graph, session(path), {"x": x}) == {"y": 0}


@pytest.mark.parametrize("op", CASES)
@pytest.mark.parametrize("offset", [0.0, 0.4, -0.4])
@pytest.mark.parametrize("biased", [True, False])
def test_float_weights(tmp_path: Path, op: str, offset: float, biased: bool) -> None:
    """Weights of both signs and of one only: their range always includes 0."""
    x, w, attributes = CASES[op]
    extra = {"w": _real(w, 1, offset)}
    if biased:
        extra["b"] = _real((6,), 2) * np.float32(3)
    spread = 0.02 * 74 * np.sqrt(np.prod(w) / 6) * (0.1 + abs(offset))
    model = qdq(op, {"x": Operand(x, 0.02, 121)}, Operand((), spread / 40, 128), extra=extra,
                **attributes)  # fmt: skip
    _check(model, tmp_path / "one.onnx", STORED[op])


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("op", ["Conv", "Gemm"])
def test_a_float_bias_beside_stored_weights(tmp_path: Path, op: str, per_channel: bool) -> None:
    x, w, attributes = CASES[op]
    weights = np.random.default_rng(5).integers(-127, 128, w).astype(np.int8)
    scale = np.linspace(0.002, 0.01, 6, dtype=np.float32) if per_channel else 0.005
    axis = {"Conv": 0, "Gemm": 1}[op] if per_channel else None
    operands = {"x": Operand(x, 0.02, 121), "w": Operand(w, scale, 0, weights, axis)}
    extra = {"b": _real((6,), 2) * np.float32(9)}
    model = qdq(op, operands, Operand((), 0.3, 128), extra=extra, **attributes)
    _check(model, tmp_path / "one.onnx", STORED[op])


def test_a_product_without_a_bias_input_stays_in_float32(tmp_path: Path) -> None:
    """ONNX Runtime quantizes no float weights of a MatMul."""
    model = qdq("MatMul", {"x": Operand((5, 13), 0.02, 121)}, Operand((), 0.1, 128),
                extra={"w": _real((13, 6), 1)})  # fmt: skip
    onnx.save(model, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    kinds = [node.op.kind for node in graph.nodes]
    assert kinds == ["dequantize", "fully_connected", "quantize"]
    x = np.random.default_rng(0).integers(0, 256, (5, 13)).astype(np.uint8)
    assert wrong_elements(graph, session(tmp_path / "one.onnx"), {"x": x}) == {"y": 0}
