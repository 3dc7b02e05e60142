"""`npusim run --compare-to`: the verdict, the document, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.commands import document, done, refused
from tests.support.shared import shared_path
from tests.support.tflite_models import TinyModel

pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")


def test_the_bundled_model_is_equal() -> None:
    printed = done("run", "digits", "--compare-to", "onnxruntime")
    assert "compared with ONNX Runtime" in printed
    assert "equal:" in printed


@pytest.mark.parametrize("columns", [80, 160])
def test_a_difference_is_named_and_fits(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    options = ("--compare-to", "onnxruntime", "--requantize", "single-rounding", "--seed", 3)
    printed = done("run", "digits", *options)
    assert max(map(len, printed.splitlines())) <= columns
    assert "differ" in printed
    assert "first: '" in printed
    assert "explained by" in printed
    found = document("run", "digits", *options)["compared_to"]
    assert found["equal"] is False
    first = next(tensor for tensor in found["tensors"] if tensor["wrong"])
    assert found["first_difference"] == first["name"]
    assert first["explained_by"]


def test_a_tflite_model_equals_the_interpreter_of_its_profile() -> None:
    model = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite")
    for profile, kernels in (("tflite-reference", "BUILTIN_REF"), ("xnnpack", "default")):
        printed = done("run", model, "--compare-to", "litert", "--requantize", profile)
        assert kernels in printed
        assert "equal:" in printed


def quotient(folder: Path) -> Path:
    """FLOOR_DIV of two float32 inputs [?, 4]."""
    m = TinyModel()
    m.inputs = [m.tensor(name, (1, 4), "float32") for name in "ab"]
    m.outputs = [m.tensor("y", (1, 4), "float32")]
    m.operator("FLOOR_DIV", m.inputs, m.outputs, "FloorDivOptions", 2)
    for tensor in m.tensors:
        tensor.signature = (-1, 4)
    (folder / "quotient.tflite").write_bytes(m.content())
    return folder / "quotient.tflite"


@pytest.mark.parametrize("given", [("--shape", "a=3x4", "--shape", "b=3x4"), ("--batch", 3)])
def test_an_open_model_is_compared_at_its_shapes(given: tuple[object, ...], tmp_path: Path) -> None:
    printed = done("run", quotient(tmp_path), *given, "--numerics", "--compare-to", "litert")
    assert "equal: 1 tensors, 12 elements" in printed


def test_inputs_that_the_framework_refuses_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones((1, 4), np.float32), b=np.zeros((1, 4), np.float32))
    message = refused(
        3, "run", quotient(tmp_path), "--inputs", tmp_path / "x.npz", "--compare-to", "litert"
    )
    assert "LiteRT can't run this model with these inputs" in message


def test_mistakes_are_refused(tmp_path: Path) -> None:
    assert "litert" in refused(2, "run", "digits", "--compare-to", "lite")
    assert ".tflite" in refused(2, "run", "digits", "--compare-to", "litert")
    assert "--compare-to" in refused(
        2, "run", "digits", "--no-numerics", "--compare-to", "onnxruntime"
    )
    table = tmp_path / "layers.csv"
    table.write_text("name,m,k,n\nfirst,16,32,8\n")
    assert "onnx" in refused(2, "run", table, "--compare-to", "onnxruntime")


def test_a_batch_that_the_file_has_not_is_refused() -> None:
    message = refused(2, "run", "digits", "--batch", 2, "--compare-to", "onnxruntime")
    assert "--compare-to" in message
    assert "ONNX Runtime refuses these inputs" in message
