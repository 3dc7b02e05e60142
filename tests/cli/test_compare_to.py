"""`npusim run --compare-to`: the verdict, the document, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import document, done, refused
from tests.support.shared import shared_path

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


def test_mistakes_are_refused(tmp_path: Path) -> None:
    assert "litert" in refused(2, "run", "digits", "--compare-to", "lite")
    assert ".tflite" in refused(2, "run", "digits", "--compare-to", "litert")
    assert "--compare-to" in refused(
        2, "run", "digits", "--no-numerics", "--compare-to", "onnxruntime"
    )
    table = tmp_path / "layers.csv"
    table.write_text("name,m,k,n\nfirst,16,32,8\n")
    assert "onnx" in refused(2, "run", table, "--compare-to", "onnxruntime")
