"""`--assume` and `--shape` on the command line: what they print, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.support.commands import document, done, refused
from tests.support.onnx_models import NetworkBuilder

SHAPE = ("--shape", "image=1x3x32x32")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A float convolution of images of any size."""
    b = NetworkBuilder(seed=1)
    y = b.conv("image", 3, 8, 3)
    proto = b.model({"image": ("N", 3, "H", "W")}, {y: ("N", 8, "H", "W")})
    onnx.save(proto, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_run_counts_on_the_array_and_says_so(model: Path) -> None:
    report = document("run", model, *SHAPE, "--assume", "int8")
    assert {layer["on"] for layer in report["layers"]} == {"npu"}
    assert any("as if all activations were int8" in note for note in report["notes"])
    float_report = document("run", model, *SHAPE)
    assert float_report["layers"][-1]["on"] == "host"
    assert any("on the host" in note for note in float_report["notes"])


def test_compare_and_ops_take_both(model: Path) -> None:
    runs = document("compare", model, "--hw", "edge-npu-1", "--hw", "tpu-like-128", *SHAPE,
                    "--assume", "int8")["runs"]  # fmt: skip
    assert [run["model"]["macs"] for run in runs] == [32 * 32 * 9 * 3 * 8] * 2
    assert "1 npu" in done("ops", model, *SHAPE, "--assume", "int8")
    assert "1 host" in done("ops", model, *SHAPE)


@pytest.mark.parametrize("command", ["run", "ops"])
def test_a_pair_that_no_array_has_is_refused(model: Path, command: str) -> None:
    said = refused(2, command, model, *SHAPE, "--assume", "fp61")
    assert "no fp61*fp61" in said and "it has int8*int8" in said


@pytest.mark.parametrize("option", [("--numerics",), ("--seed", "1", "--numerics")])
def test_an_assumed_model_is_not_executed(model: Path, option: tuple[str, ...]) -> None:
    assert "can't be executed" in refused(2, "run", model, *SHAPE, "--assume", "int8", *option)


def test_a_quantized_model_has_its_own_formats() -> None:
    assert "only float models" in refused(2, "run", "digits", "--assume", "int8")


def test_a_shape_that_is_missing_or_wrong_is_explained(model: Path) -> None:
    assert "--shape image=1x3xNxN" in refused(2, "run", model)
    assert "did you mean 'image'" in refused(2, "run", model, "--shape", "imgae=1x3x8x8")
    assert "?x3x?x?" in refused(2, "run", model, "--shape", "image=1x4x8x8")
    assert "NAME=EXTENTS" in refused(2, "run", model, "--shape", "image=1x3x8x")
