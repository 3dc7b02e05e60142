"""`npusim run --trace`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.commands import document, refused


def test_a_trace_is_written_beside_the_report(tmp_path: Path) -> None:
    target = tmp_path / "trace.json.gz"
    report = document("run", "digits", "--no-numerics", "--trace", target)
    about = json.loads(gzip.decompress(target.read_bytes()))["otherData"]
    assert about["cycles"] == report["total"]["cycles"]
    assert about["sram_bytes"] == report["memory"]["sram"]["capacity_bytes"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("-", "--trace: a trace goes to a file, not to stdout"),
        ("", "is no name of a file"),
        ("missing/trace.json", "can't be written: there is no directory"),
        ("model.onnx", "has the name of an input"),
        (".", "is a directory"),
    ],
)
def test_a_trace_that_has_no_place_is_refused_before_the_work(
    target: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(2, "run", "digits", "--trace", target)


def test_a_trace_and_a_report_need_files_of_their_own(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    message = refused(2, "run", "digits", "--json", target, "--trace", target)
    assert "is the file of --json too" in message
