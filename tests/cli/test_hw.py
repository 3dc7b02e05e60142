"""`npusim hw`: what its commands print and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from npusim.cli.hw import hw
from npusim.errors import DescriptionError
from npusim.hardware import preset_names
from npusim.hardware.json_schema import json_schema
from tests.support.descriptions import changed, write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(hw, arguments)


def refusal(*arguments: str) -> DescriptionError:
    error = run(*arguments).exception
    assert isinstance(error, DescriptionError)
    assert error.exit_code == 2
    return error


@pytest.mark.parametrize("columns", ["80", "160"])
def test_list_is_one_aligned_row_a_preset(columns: str) -> None:
    result = CliRunner().invoke(hw, ["list"], env={"COLUMNS": columns})
    title, *lines = result.output.splitlines()
    assert [line.split()[0] for line in lines] == list(preset_names())
    assert {len(line) for line in lines} == {len(title)}
    assert len(title) <= 80
    edge = next(line for line in lines if line.startswith("edge-npu-1"))
    assert edge.split()[1:] == [
        "1024", "500", "MHz", "512", "KiB", "8.53", "GB/s", "1.02", "16", "nm", "no",
    ]  # fmt: skip


def test_show_gives_values_origins_and_sources() -> None:
    result = run("show", "edge-npu-1", "--set", "memory.sram.size=1 MiB")
    lines = [line.split() for line in result.output.splitlines()]
    assert ["clock", "500", "MHz", "edge-npu-1.yaml", "[peak]"] in lines
    assert ["memory.sram.size", "1", "MiB", "--set", "--set", "memory.sram.size"] in lines
    assert ["technology.static", "null", "default"] in lines
    assert any(line[:2] == ["[peak]", "32"] for line in lines)


def test_show_as_json() -> None:
    shown = json.loads(run("show", "ethos-u55-128", "--json").output)
    assert shown["name"] == "ethos-u55-128"
    assert {"path", "text", "origin", "sources", "free"} == set(shown["values"][0])


def test_show_refuses_an_unknown_name_and_a_bad_override() -> None:
    assert "did you mean 'ethos-u55-128'" in str(refusal("show", "ethos-u55-129"))
    problem = refusal("show", "edge-npu-1", "--set", "mac_array.colums=3").problems[0]
    assert problem.where == "--set mac_array.colums"


@pytest.mark.parametrize("name", preset_names())
def test_check_passes_each_preset(name: str) -> None:
    result = run("check", name)
    assert result.exit_code == 0
    assert "each with a source" in result.output


def test_check_lists_every_number_without_a_source(tmp_path: Path) -> None:
    text = changed("clock: 100 MHz", "clock: 100 MHz # [made]")
    path = write(tmp_path, text)
    found = {problem.where: problem.what for problem in refusal("check", str(path)).problems}
    assert f"{path}:4:8" not in found
    assert found[f"{path}:7:9"].startswith("mac_array.rows = 4 has no source: end the line with #")


def test_check_reports_mistakes_before_sources(tmp_path: Path) -> None:
    path = write(tmp_path, changed("rows: 4", "rows: x"))
    assert [problem.where for problem in refusal("check", str(path)).problems] == [f"{path}:7:9"]


def test_schema_prints_the_json_schema() -> None:
    assert json.loads(run("schema").output) == json_schema()
