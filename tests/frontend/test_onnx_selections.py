"""Comparisons and choices that several operators become, against ONNX Runtime: no bit differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_checks import plain
from tests.support.onnx_models import session

SHAPE = (2, 3, 5)


def check(model: onnx.ModelProto, path: Path, x: np.ndarray) -> None:
    onnx.save(model, path)
    (expected,) = session(path).run(None, {"x": x})
    found = evaluate(read_onnx(path), {"x": x})["y"]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(tmp_path: Path, depth: int, axis: int) -> None:
    indices = np.arange(-6, 6).reshape(3, 4)
    constants = {"depth": np.array(depth), "values": np.array([2.5, -1], np.float32)}
    model = plain("OneHot", {"x": ("int64", (3, 4))}, "float32", constants, opset=11, axis=axis)
    check(model, tmp_path / "one.onnx", indices)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_hardmax_takes_the_first_of_equals(tmp_path: Path, axis: int) -> None:
    x = np.random.default_rng(3).integers(0, 3, SHAPE).astype(np.float32)
    model = plain("Hardmax", {"x": ("float32", SHAPE)}, "float32", opset=13, axis=axis)
    check(model, tmp_path / "one.onnx", x)


@pytest.mark.parametrize("signs", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_is_inf(tmp_path: Path, signs: tuple[int, int]) -> None:
    x = np.zeros(SHAPE, np.float32)
    x.flat[:4] = np.inf, -np.inf, np.nan, np.finfo(np.float32).max
    model = plain("IsInf", {"x": ("float32", SHAPE)}, "bool", opset=20,
                  detect_positive=signs[0], detect_negative=signs[1])  # fmt: skip
    check(model, tmp_path / "one.onnx", x)


def test_is_nan(tmp_path: Path) -> None:
    x = np.zeros(SHAPE, np.float32)
    x.flat[:3] = np.inf, -np.nan, np.nan
    check(plain("IsNaN", {"x": ("float32", SHAPE)}, "bool"), tmp_path / "one.onnx", x)


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_eye_like(tmp_path: Path, k: int) -> None:
    model = plain("EyeLike", {"x": ("int32", (3, 4))}, "int32", k=k)
    check(model, tmp_path / "one.onnx", np.zeros((3, 4), np.int32))
