"""`npusim export` and `--encodings`: files that run, and messages for what can't be done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import npusim
from npusim.execution.drawn import random_inputs
from npusim.models.bundled import bundled_model_path
from tests.support.aimet import NET, edited, encodings, entry
from tests.support.commands import document, done, refused
from tests.support.commands import npusim as run
from tests.support.onnx_models import session
from tests.support.shared import shared_path

ENCODINGS = encodings("1.0.0")


def test_a_model_is_written_and_runs(tmp_path: Path) -> None:
    """The bundled network, again: the same outputs as the file that is shipped."""
    target = tmp_path / "digits.onnx"
    result = run("export", "digits", "-o", target)
    assert result.exit_code == 0 and result.stdout == ""
    assert "digits.onnx: 14 operators (13 write uint8, 1 write fp32)" in result.stderr
    inputs = random_inputs(npusim.load_model("digits").graph)
    ours, theirs = (session(path).run(None, inputs) for path in (target, bundled_model_path()))
    assert np.array_equal(ours[0], theirs[0])
    assert run("export", "digits", "-o", target, "--quiet").stderr == ""


def test_a_tflite_model_is_written(tmp_path: Path) -> None:
    source = shared_path("data", "models", "mlperf_tiny_pretrainedResnet_quant.tflite")
    target = tmp_path / "resnet.onnx"
    done("export", source, "--output", target)
    assert "equal: " in done("run", target, "--compare-to", "onnxruntime", "--seed", "1")


def test_encodings_become_a_quantized_file(tmp_path: Path) -> None:
    target = tmp_path / "quantized.onnx"
    done("export", NET, "--encodings", ENCODINGS, "-o", target)
    onnx.checker.check_model(onnx.load(target), full_check=True)
    assert "equal: " in done("run", target, "--compare-to", "onnxruntime", "--seed", "1")
    direct = document("run", NET, "--encodings", ENCODINGS)
    assert document("run", target)["total"]["cycles"] == direct["total"]["cycles"]


def test_every_command_that_counts_takes_encodings(tmp_path: Path) -> None:
    given = ("--encodings", ENCODINGS)
    assert "13 npu, 2 host" in done("ops", NET, *given)
    assert document("explain", NET, *given)["total"]["cycles"] > 0
    assert document("compare", NET, "--hw", "edge-npu-1", *given)["schema"]
    table = document("run", NET, *given)
    assert table["model"]["inputs"][0]["dtype"] == "float32"
    assert table["total"]["cycles"] < document("run", NET)["total"]["cycles"]


def test_a_gap_is_refused_and_can_be_allowed(tmp_path: Path) -> None:
    def without_sum(content: dict) -> None:
        content["activation_encodings"].remove(entry(content, "sum"))

    path = edited(tmp_path, "1.0.0", without_sum)
    said = refused(2, "run", NET, "--encodings", path)
    assert "2 tensors have no encoding; with --partial-encodings what has none" in said
    assert "no encoding for result 'sum' of Add 'sum'" in said
    found = document("run", NET, "--encodings", path, "--partial-encodings")
    assert any("2 tensors have no encoding" in note for note in found["notes"])


MISUSES = {
    "no encodings": (("run", NET, "--partial-encodings"), "says nothing without --encodings"),
    "two models": (("compare", NET, "digits", "--hw", "edge-npu-1", "--encodings", ENCODINGS),
                   "--encodings: is for one model, not for 2"),
    "a framework": (("run", NET, "--encodings", ENCODINGS, "--compare-to", "onnxruntime"),
                    "--compare-to: the framework knows no encodings: npusim export first"),
    "a network": (("run", "mobilenet-v2", "--encodings", ENCODINGS), "can't be read"),
    "a quantized model": (("run", "digits", "--encodings", ENCODINGS), "is quantized already"),
    "a missing file": (("run", NET, "--encodings", "none.encodings"), "can't be read"),
    "encodings over themselves": (("run", NET, "--encodings", ENCODINGS, "--json", ENCODINGS),
                                  "is read by this command"),
    "stdout": (("export", "digits", "-o", "-"), "--output: a model goes to a file"),
    "another ending": (("export", "digits", "-o", "model.txt"), "does not end in .onnx"),
    "its own source": (("export", NET, "-o", NET), "is read by this command"),
    "nowhere": (("export", "digits", "-o", "no/such/folder.onnx"), "there is no directory"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISUSES)
def test_misuse_is_a_message(case: str) -> None:
    arguments, expected = MISUSES[case]
    assert expected in refused(2, *arguments)


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    source = shared_path("data", "models", "mlperf_tiny_kws_ref_model_float32.tflite")
    target = tmp_path / "kws.onnx"
    assert "it can be counted only" in refused(3, "export", source, "-o", target)
    assert not target.exists()


def test_unsupported_encodings_have_their_exit_code(tmp_path: Path) -> None:
    path = edited(tmp_path, "1.0.0", lambda content: entry(content, "gate").update(bw=12))
    assert "uint12 is not supported" in refused(3, "run", NET, "--encodings", path)
