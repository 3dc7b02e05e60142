"""`python -m npusim.quantize.training`: what it prints, writes and refuses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from npusim import api
from npusim.quantize.training import needs
from npusim.quantize.training.__main__ import main


def test_help_needs_no_pytorch() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "--freeze" in done.output and "digits|mnist" in done.output


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        needs, "find_spec", lambda name: None if name == "torch" else importlib.util.find_spec(name)
    )
    done = CliRunner().invoke(main, ["digits"])
    assert done.exit_code == 2
    assert done.output == (
        "error: quantization-aware training: not installed: PyTorch; pip install 'npusim[qat]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    (
        (["digit"], "'digit' is not one of"),
        (["digits", "--weights", "5"], "'5' is not one of"),
        (["digits", "--freeze", "2"], "0<=x<=1"),
        (["digits", "--output", "/nowhere/at/all"], "does not exist"),
    ),
)
def test_wrong_arguments_are_refused_before_training(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.slow
def test_it_prints_a_line_a_precision_and_writes_files_that_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs PyTorch (extra qat)")
    pytest.importorskip("sklearn", reason="needs scikit-learn (extra qat)")
    from npusim.quantize.training import train

    monkeypatch.setitem(train.FLOAT, "digits", train.Course(epochs=2, rate=0.1))
    monkeypatch.setitem(train.QUANTIZED, "digits", train.Course(epochs=1, rate=0.01))
    done = CliRunner().invoke(
        main, ["digits", "--weights", "4", "--weights", "8", "--output", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("digits, seed 1: float32 ")
    assert lines[1] == "500 held-out images, one is 0.20 points"
    assert [line[:4] for line in lines[-2:]] == ["W4A8", "W8A8"]
    names = ["digits_float", "digits_w4a8", "digits_w8a8"]
    assert sorted(path.stem for path in tmp_path.glob("*.onnx")) == names
    with (
        np.load(tmp_path / "digits_test.npz") as images,
        np.load(tmp_path / "digits_labels.npz") as labels,
    ):
        found = api.execute(tmp_path / "digits_w8a8.onnx", "edge-npu-1", dict(images))
        right = (found.outputs["logits"].argmax(axis=1) == labels["labels"]).mean()
    assert f"{100 * right:.2f} %" in lines[-1]
