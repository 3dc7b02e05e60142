"""Scatters against ONNX Runtime: no bit differs, whatever joins updates of one place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.errors import ModelFileError, UsageError
from npusim.frontend.onnx import read_onnx
from tests.support.evaluate import evaluate
from tests.support.onnx_checks import plain
from tests.support.onnx_models import session

REDUCTIONS = ("none", "add", "mul", "max", "min")
SHAPE = (4, 5, 6)


def compare(
    path: Path, op: str, dtype: str, indices: np.ndarray, updates: np.ndarray, **attributes: object
) -> None:
    """`op` on random values, with indices and updates as inputs, as ONNX Runtime computes it."""
    random = np.random.default_rng(2)
    inputs = {
        "x": random.integers(-9, 9, SHAPE).astype(dtype), "i": indices,
        "u": updates.astype(dtype),
    }  # fmt: skip
    shapes = {name: (array.dtype.name, array.shape) for name, array in inputs.items()}
    onnx.save(plain(op, shapes, dtype, opset=18, **attributes), path)
    (expected,) = session(path).run(None, inputs)
    np.testing.assert_array_equal(evaluate(read_onnx(path), inputs)["y"], expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "int32"])
@pytest.mark.parametrize("axis", [0, -1])
def test_elements(tmp_path: Path, reduction: str, dtype: str, axis: int) -> None:
    random = np.random.default_rng(1)
    size = SHAPE[axis]
    indices = random.integers(-size, size, (3, 4, 2))
    if reduction == "none":  # which of two updates stays is not defined
        indices = np.sort(random.permuted(np.tile(np.arange(2), (3, 4, 1)), axis=2), axis=2)
        indices = indices if axis == -1 else np.broadcast_to(np.arange(3)[:, None, None], (3, 4, 2))
    updates = random.integers(-5, 5, indices.shape)
    compare(tmp_path / "one.onnx", "ScatterElements", dtype, np.ascontiguousarray(indices), updates,
            axis=axis, reduction=reduction)  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("named", [1, 2, 3])
def test_slices(tmp_path: Path, reduction: str, named: int) -> None:
    random = np.random.default_rng(3)
    rows = np.array([[0, 0, 0], [-1, 2, -6], [2, -1, 3]])[:, :named]
    indices = rows if reduction == "none" else rows[[0, 1, 0, 2]]
    updates = random.integers(-5, 5, (len(indices), *SHAPE[named:]))
    compare(tmp_path / "one.onnx", "ScatterND", "float32", indices, updates, reduction=reduction)


def _model(indices: tuple[int, ...], **attributes: object) -> onnx.ModelProto:
    inputs = {"x": ("float32", SHAPE), "i": ("int64", indices), "u": ("float32", indices)}
    return plain("ScatterElements", inputs, "float32", opset=18, **attributes)


@pytest.mark.parametrize(
    ("model", "message"),
    [(_model((3, 4)), "do not fit shape"), (_model((3, 4, 2), axis=3), "axis 3 is outside"),
     (_model((3, 4, 2), reduction="mean"), "reduction 'mean' is not one of none, add")],
)  # fmt: skip
def test_what_does_not_fit_is_told(tmp_path: Path, model: onnx.ModelProto, message: str) -> None:
    onnx.save(model, tmp_path / "one.onnx")
    with pytest.raises(ModelFileError, match=message):
        read_onnx(tmp_path / "one.onnx")


def test_an_index_outside_is_an_error(tmp_path: Path) -> None:
    onnx.save(_model((1, 1, 1)), tmp_path / "one.onnx")
    inputs = {"x": np.zeros(SHAPE, np.float32), "u": np.ones((1, 1, 1), np.float32)}
    with pytest.raises(UsageError, match="outside an axis of 4"):
        evaluate(read_onnx(tmp_path / "one.onnx"), {**inputs, "i": np.full((1, 1, 1), 4)})
