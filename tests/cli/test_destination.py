"""Results never land on an input, a directory or a device, and never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from npusim.cli.destination import check_destinations
from npusim.errors import UsageError


def _refusal(target: str, *sources: str) -> str:
    with pytest.raises(UsageError) as caught:
        check_destinations({"--json": target}, sources)
    return str(caught.value)


def test_new_files_old_files_stdout_and_nothing_are_fine(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("{}")
    check_destinations(
        {"--json": str(old), "--csv": str(tmp_path / "new.csv"), "--outputs": "-", "--x": None},
        ("model.onnx", None),
    )
    assert old.read_text() == "{}"
    assert not (tmp_path / "new.csv").exists()


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    table = tmp_path / "layers.csv"
    table.write_text("name,m,k,n\n")
    link = tmp_path / "link.json"
    link.symlink_to(table)
    assert "read by this command" in _refusal(str(table), str(table))
    assert "read by this command" in _refusal(str(link), str(table))
    assert "the name of an input" in _refusal(str(tmp_path / "other.tflite"))


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "directory" in _refusal(str(tmp_path))
    assert "not a regular file" in _refusal(str(pipe))
    assert "not a regular file" in _refusal(os.devnull)
    assert "no directory" in _refusal(str(tmp_path / "absent" / "report.json"))
    assert "'' is no name of a file" in _refusal("")


def test_two_results_need_two_files(tmp_path: Path) -> None:
    target = str(tmp_path / "both")
    with pytest.raises(UsageError, match="the file of --json too"):
        check_destinations({"--json": target, "--csv": target}, ())


def test_every_mistake_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_destinations({"--json": str(tmp_path), "--csv": str(tmp_path / "a" / "b")}, ())
    assert [problem.where for problem in caught.value.problems] == ["--json", "--csv"]


def test_arrays_go_to_a_file_that_will_be_read_as_arrays(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"out\.csv does not end in \.npz"):
        check_destinations({"--outputs": str(tmp_path / "out.csv")}, ())
