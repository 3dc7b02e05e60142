"""`npusim explain`: what it prints fits the terminal, what it refuses it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import document, done, refused
from tests.support.shared import shared_path


@pytest.mark.parametrize("columns", [80, 160])
def test_it_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for more in ((), ("--layer", "block2_conv")):
        printed = done("explain", "digits", *more)
        assert max(map(len, printed.splitlines())) <= columns
        assert "from peak to achieved" in printed
        assert "what one change would bring" in printed
    assert "chosen" in printed


def test_the_document_holds_what_is_printed(tmp_path: Path) -> None:
    found = document("explain", "digits", "--layer", "block2_conv")
    assert found["layer"]["name"] == "block2_conv"
    assert found["tilings"][0]["network_cycles"] == found["total"]["cycles"]
    path = tmp_path / "why.json"
    assert "what one change" in done("explain", "digits", "--json", path)
    assert json.loads(path.read_text())["schema"] == "npusim.explain/1"


def test_mistakes_are_refused(tmp_path: Path) -> None:
    assert "block2_conv" in refused(2, "explain", "digits", "--layer", "block2_cnov")
    assert "edge-npu-1" in refused(2, "explain", "digits", "--hw", "edge-npu-2")
    assert refused(2, "explain", "digitz")
    assert refused(2, "explain", "digits", "--json", tmp_path)


def test_a_float_model_is_explained_at_an_assumed_format() -> None:
    model = shared_path("data", "models", "mlperf_tiny_vww_96_float.tflite")
    found = document("explain", model, "--assume", "int8")
    counted = document("run", model, "--assume", "int8")
    assert found["total"]["cycles"] == counted["total"]["cycles"]
    assert "--assume" in refused(2, "explain", "digits", "--assume", "int8")
    assert "fp16*fp16" in refused(2, "explain", model, "--assume", "fp16")
