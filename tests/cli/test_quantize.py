"""`npusim quantize`: a file that runs, a report, and messages for what can't be done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim.models.bundled import bundled_calibration, bundled_float_path, bundled_samples
from tests.support.commands import done, npusim, refused


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    np.savez(path, image=bundled_calibration()["image"][:8])
    return path


def test_the_bundled_network_is_quantized(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    target, report = tmp_path / "int8.onnx", tmp_path / "report.json"
    printed = done("quantize", "digits-float", "-o", target, "--report", report, "--layers", 3)
    assert "498 of 500; float32 99.6 %" in printed
    assert "ONNX Runtime     equal" in printed and "and 8 more layers" in printed
    assert max(map(len, printed.splitlines())) <= 100
    onnx.checker.check_model(onnx.load(target), full_check=True)
    assert "equal: " in done("run", target, "--compare-to", "onnxruntime", "--seed", "1")
    written = json.loads(report.read_text())
    assert written["schema"] == "npusim.quantize/1"
    assert len(written["layers"]) == 11 and written["accuracy"]["correct"] == 498


def test_samples_labels_and_formats_are_options(tmp_path: Path, samples: Path) -> None:
    tests, target = bundled_samples(), tmp_path / "int4.onnx"
    np.savez(tmp_path / "tests.npz", image=tests.inputs["image"][:50])
    np.savez(tmp_path / "labels.npz", labels=tests.labels[:50])
    printed = done(
        "quantize", "digits-float", "-o", target, "--weights", "int4:per-block-16",
        "--activations", "uint8:asymmetric", "--calibration", samples, "--range", "mse", "--keep",
        "classifier=fp16", "--inputs", tmp_path / "tests.npz", "--labels", tmp_path / "labels.npz",
        "--report", "-",
    )  # fmt: skip
    report = json.loads(printed)
    formats = {
        layer["name"]: (layer["weights"], layer["activations"]) for layer in report["layers"]
    }
    assert formats["stem"] == ("int4", "uint8") and formats["classifier"] == ("fp16", "fp16")
    assert report["calibration_samples"] == 8 and report["accuracy"]["samples"] == 50
    assert target.exists()


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ("digits-float", "--scheme", "w8a9"), "unknown scheme 'w8a9'"),
        (2, ("digits-float", "--range", "max"), "unknown way 'max'"),
        (2, ("digits-float", "--keep", "stem"), "is not LAYER=fp16"),
        (2, ("digits-float", "--keep", "stm=fp16"), "did you mean 'stem'"),
        (2, ("digits-float", "--labels", "y.npz"), "needs the samples"),
        (2, ("digits-float", "--calibration", "none.npz"), "no such file"),
        (3, ("digits-float", "--keep", "widen=fp32"), "keep it in fp16"),
        (3, ("digits",), "is quantized already"),
    ],
)
def test_refusals_leave_nothing(tmp_path: Path, code: int, arguments, said: str) -> None:
    target = tmp_path / "out.onnx"
    target.write_bytes(b"before")
    assert said in refused(code, "quantize", *arguments, "-o", target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.onnx"]


def test_samples_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", image=np.zeros((4, 3, 8, 8), np.float32))
    arguments = ("quantize", "digits-float", "-o", tmp_path / "o.onnx")
    message = refused(2, *arguments, "--calibration", tmp_path / "wrong.npz")
    assert "has shape (4, 3, 8, 8)" in message
    assert not (tmp_path / "o.onnx").exists()


def test_a_file_that_needs_samples_says_so(tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(bundled_float_path().read_bytes())
    assert "--calibration: missing" in refused(2, "quantize", source, "-o", tmp_path / "o.onnx")
    assert refused(2, "quantize", source, "-o", source).count("is read by this command") == 1
    assert done("quantize", source, "-o", tmp_path / "o.onnx", "--scheme", "w4")
    assert npusim("quantize", "--help").exit_code == 0


def test_weights_are_repaired_where_it_is_asked_for(tmp_path: Path, samples: Path) -> None:
    """Three bits per channel are brought nearer to float32."""
    found = []
    for options in ((), ("--clip-weights", "--correct-bias", "--equalize")):
        report = done(
            "quantize", "digits-float", "-o", tmp_path / "o.onnx", "--weights", "int3",
            "--calibration", samples, "--inputs", samples, "--report", "-", *options,
        )  # fmt: skip
        found.append(json.loads(report))
    assert found[1]["sqnr_db"] > found[0]["sqnr_db"] + 3
    assert "clipped" in found[1]["scheme"]
    assert any("equalized over 3 pairs" in note for note in found[1]["notes"])
