"""LRN and LogSoftmax against ONNX Runtime: 0 wrong elements on 8 bits, the last bits of float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError
from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_checks import plain
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

CASES = {
    "lrn of alexnet": ("LRN", (2, 9, 5, 4), {"size": 5, "alpha": 2e-2, "beta": 0.75, "bias": 2.0}),
    "lrn, an unusual power": ("LRN", (1, 7, 6, 1), {"size": 3, "alpha": 0.5, "beta": 0.6}),
    "lrn, wider than the channels": ("LRN", (1, 3, 4, 3), {"size": 9, "alpha": 1.0}),
    "log-softmax": ("LogSoftmax", (3, 5, 33), {"axis": -1}),
    "log-softmax of channels": ("LogSoftmax", (2, 10, 3, 4), {"axis": 1}),
    "log-softmax, rank 1": ("LogSoftmax", (19,), {}),
}
LAST_BITS = 1e-6
"""Relative to values of size 1: ONNX Runtime's exp and power round otherwise."""


def float_model(op: str, shape: tuple[int, ...], **attributes: object) -> onnx.ModelProto:
    return plain(op, {"x": ("float32", shape)}, "float32", **attributes)


@pytest.mark.parametrize("case", CASES)
def test_floats_to_the_last_bits(tmp_path: Path, case: str) -> None:
    op, shape, attributes = CASES[case]
    onnx.save(float_model(op, shape, **attributes), tmp_path / "one.onnx")
    x = np.random.default_rng(5).normal(0.2, 3.0, shape).astype(np.float32)
    (expected,) = session(tmp_path / "one.onnx").run(None, {"x": x})
    found = evaluate(read_onnx(tmp_path / "one.onnx"), {"x": x})["y"]
    np.testing.assert_allclose(found, expected, rtol=LAST_BITS, atol=LAST_BITS)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_stored_integers_to_the_bit(tmp_path: Path, case: str, dtype: str) -> None:
    op, shape, attributes = CASES[case]
    zero = 128 if dtype == "uint8" else 0
    y = Operand((), 0.03, zero + 100) if op == "LogSoftmax" else Operand((), 0.01, zero)
    model = qdq(op, {"x": Operand(shape, 0.03, zero - 3)}, y, dtype=dtype, **attributes)
    onnx.save(model, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    assert len(graph.nodes) == 1
    oracle = session(tmp_path / "one.onnx", int8=dtype == "int8")
    info = np.iinfo(dtype)
    for seed in range(4):
        random = np.random.default_rng(seed)
        x = random.integers(info.min, info.max + 1, shape).astype(dtype)
        assert wrong_elements(graph, oracle, {"x": x}) == {"y": 0}


@pytest.mark.parametrize(
    ("op", "shape", "attributes"),
    [
        ("LRN", (2, 3), {"size": 3}),
        ("LRN", (1, 3, 4, 2), {"size": 0}),
        ("LogSoftmax", (2, 3), {"axis": 2}),
    ],
)
def test_a_damaged_node_is_named(
    tmp_path: Path, op: str, shape: tuple[int, ...], attributes: dict[str, object]
) -> None:
    onnx.save(float_model(op, shape, **attributes), tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match="operator"):
        read_onnx(tmp_path / "one.onnx")
