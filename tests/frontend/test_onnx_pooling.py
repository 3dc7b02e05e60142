"""Pooling over three axes of which two neighbours are left alone, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import UnsupportedModelError
from npusim.frontend.onnx import read_onnx
from tests.support.onnx_models import session, wrong_elements
from tests.support.onnx_operators import Operand, qdq

SHAPE = (2, 3, 6, 5, 4)
ALONG = {
    "the first axis": {"kernel_shape": [3, 1, 1], "pads": [1, 0, 0, 1, 0, 0]},
    "the last axis": {"kernel_shape": [1, 1, 2], "strides": [1, 1, 2]},
}


@pytest.mark.parametrize("op", ["AveragePool", "MaxPool"])
@pytest.mark.parametrize("along", ALONG)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_0_wrong_elements(tmp_path: Path, op: str, along: str, dtype: str) -> None:
    zero = 128 if dtype == "uint8" else 0
    y = Operand((), 0.04 if op == "AveragePool" else 0.05, zero)
    model = qdq(op, {"x": Operand(SHAPE, 0.05, zero)}, y, dtype=dtype, **ALONG[along])
    onnx.save(model, tmp_path / "one.onnx")
    graph = read_onnx(tmp_path / "one.onnx")
    oracle = session(tmp_path / "one.onnx", int8=dtype == "int8")
    info, rng = np.iinfo(dtype), np.random.default_rng(2)
    for _ in range(4):
        x = rng.integers(info.min, info.max + 1, SHAPE).astype(dtype)
        assert wrong_elements(graph, oracle, {"x": x}) == {"y": 0}


def test_other_windows_of_three_axes_are_refused(tmp_path: Path) -> None:
    window = {"kernel_shape": [2, 1, 2]}
    model = qdq("MaxPool", {"x": Operand(SHAPE, 0.05)}, Operand((), 0.05), **window)
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(UnsupportedModelError, match="3-D windows are not supported"):
        read_onnx(tmp_path / "one.onnx")
