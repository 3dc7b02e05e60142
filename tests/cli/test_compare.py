"""`npusim compare`: the same numbers as `npusim run`, side by side."""

from __future__ import annotations

import json
from pathlib import Path

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
