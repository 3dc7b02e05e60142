"""`npusim compare`: the same numbers as `npusim run`, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import document, done, refused

HARDWARE = ("edge-npu-1", "ethos-u55-128")


def test_each_column_is_a_run() -> None:
    options = [word for name in HARDWARE for word in ("--hw", name)]
    compared = document("compare", "digits", *options)
    assert compared["schema"] == "npusim.compare/1"
    assert compared["runs"] == [document("run", "digits", "--hw", name) for name in HARDWARE]
    printed = done("compare", "digits", *options)
    assert all(name in printed for name in (*HARDWARE, "digits_int8", "latency, ms", "energy"))


def test_several_models_make_a_matrix(tmp_path: Path) -> None:
    table = tmp_path / "layers.csv"
    table.write_text("name,m,k,n\nfirst,16,32,8\n")
    printed = done("compare", "digits", table, "--hw", "edge-npu-1", "--hw", "ethos-u55-128")
    lines = printed.splitlines()
    assert sum(line.startswith("digits_int8") for line in lines) >= 2
    assert sum(line.startswith("layers") for line in lines) >= 2


def test_json_goes_to_a_file_beside_the_table(tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    printed = done("compare", "digits", "--hw", "edge-npu-1", "--json", path)
    assert "edge-npu-1" in printed
    assert len(json.loads(path.read_text())["runs"]) == 1


def test_mistakes_are_refused() -> None:
    assert "--hw" in refused(2, "compare", "digits")
    assert "twice" in refused(2, "compare", "digits", "--hw", "edge-npu-1", "--hw", "edge-npu-1")
    assert "ethos-u55-128" in refused(2, "compare", "digits", "--hw", "ethos-u55-12")


def test_reasons_stand_below_and_can_be_left_out(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    command = ("compare", "digits", "--hw", "edge-npu-1", "--hw", "ethos-u55-128")
    printed = done(*command, "--reasons", 2)
    assert "ethos-u55-128 against edge-npu-1: latency +" in printed
    assert all(f"{what} by " in printed for what in ("time", "energy"))
    assert max(map(len, printed.splitlines())) <= 100
    assert "against" not in done(*command, "--reasons", 0)


def test_the_document_has_the_difference_of_each_hardware_from_the_first() -> None:
    found = document("compare", "digits", *(x for name in HARDWARE for x in ("--hw", name)))
    (difference,) = found["differences"]
    first, second = (run["total"]["latency_s"] for run in found["runs"])
    causes = [cause for layer in difference["layers"] for cause in layer["causes_s"]]
    changes = [(cause["after"] or 0) - (cause["before"] or 0) for cause in causes]
    assert sum(changes) == pytest.approx(second - first, rel=1e-9)
