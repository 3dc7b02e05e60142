"""`npusim hw`: what its commands print and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from npusim.cli.hw import hw
from npusim.errors import DescriptionError
from npusim.hardware import load_hardware, preset_names
from npusim.hardware.json_schema import json_schema
from npusim.report.confidence import left_out_of
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


@pytest.mark.parametrize("name", preset_names())
def test_show_lists_each_preset_with_its_free_parameters(name: str) -> None:
    result = run("show", name)
    assert result.exit_code == 0
    hardware = load_hardware(name)
    marked = [line.split()[0] for line in result.output.splitlines() if "  [free] " in line]
    assert sorted(marked) == sorted(hardware.free)
    for effect in left_out_of(hardware):
        assert f"not modelled: {effect}" in result.output.splitlines()


def test_show_gives_range_and_reason_of_a_free_parameter() -> None:
    lines = run("show", "ethos-u55-128").output.splitlines()
    setup = next(line for line in lines if line.startswith("dma.setup "))
    assert setup.endswith("[free] 0 cycles to 200 cycles: not published")
    lines = run("show", "ethos-u55-128", "--set", "dma.setup=5 cycles").output.splitlines()
    assert "free" not in next(line for line in lines if line.startswith("dma.setup "))


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
    free = len(load_hardware(name).free)
    assert result.output.endswith(f"numbers, each with a source; {free} free\n")


def test_check_lists_every_number_without_a_source(tmp_path: Path) -> None:
    text = changed("clock: 100 MHz", "clock: 100 MHz # [made]")
    path = write(tmp_path, text)
    found = {problem.where: problem.what for problem in refusal("check", str(path)).problems}
    assert f"{path}:4:8" not in found
    assert found[f"{path}:7:9"] == (
        "mac_array.rows = 4 has no source: end the line with # [key], where 'sources' has that "
        "key, or declare the range of it under 'free'"
    )
    assert len(found) == 16


def test_check_takes_a_free_parameter_for_a_source(tmp_path: Path) -> None:
    free = "free:\n  mac_array.rows: {range: [1, 8], why: not published}\n"
    path = write(tmp_path, changed("rows: 4", "rows: 4 # [free]") + free)
    found = [problem.where for problem in refusal("check", str(path)).problems]
    assert f"{path}:7:9" not in found and f"{path}:8:9" in found


def test_check_counts_what_is_sourced_and_what_is_free(tmp_path: Path) -> None:
    text = "extends: edge-npu-1\nname: mine\nsources: {me: a measurement}\ncores: 2  # [me]\n"
    result = run("check", str(write(tmp_path, text)))
    assert result.output.endswith("each with a source; 6 free\n")


def test_a_file_may_cite_the_sources_of_what_it_extends(tmp_path: Path) -> None:
    text = "extends: edge-npu-1\nname: mine\ncores: 2  # [design]\n"
    assert run("check", str(write(tmp_path, text))).exit_code == 0
    wrong = write(tmp_path, text.replace("[design]", "[desing]"))
    assert "(did you mean 'design'?)" in str(refusal("check", str(wrong)))


def test_check_reports_mistakes_before_sources(tmp_path: Path) -> None:
    path = write(tmp_path, changed("rows: 4", "rows: x"))
    assert [problem.where for problem in refusal("check", str(path)).problems] == [f"{path}:7:9"]


def test_schema_prints_the_json_schema() -> None:
    assert json.loads(run("schema").output) == json_schema()


def test_list_as_json_has_what_the_table_shows() -> None:
    presets = json.loads(run("list", "--json").output)["presets"]
    assert [preset["name"] for preset in presets] == list(preset_names())
    own = next(preset for preset in presets if preset["name"] == "edge-npu-1")
    assert (own["macs_per_cycle"], own["clock_hz"], own["sram_bytes"]) == (1024, 5e8, 512 * 1024)
    assert own["tops_peak"] == pytest.approx(2 * 1024 * 5e8 / 1e12)
    assert own["validation"] == "unvalidated"


def test_a_narrow_list_drops_columns_and_cuts_no_value() -> None:
    result = CliRunner().invoke(hw, ["list"], env={"COLUMNS": "40"})
    assert max(map(len, result.output.splitlines())) <= 40
    assert "…" not in result.output
    assert "1024" in result.output


def test_a_directory_is_told_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert "is a directory" in str(refusal("check", str(tmp_path / "folder.yaml")))


def test_the_meaning_of_a_missing_key_is_a_whole_sentence(tmp_path: Path) -> None:
    path = tmp_path / "npu.yaml"
    path.write_text("npusim: hardware/1\nname: x\nmac_array: {rows: 16}\n")
    message = str(refusal("check", str(path)))
    assert "key 'dataflows' is missing in mac_array (systolic:" in message
    assert "`row_stationary` elements keep filter rows in scratchpads" in message


def test_show_says_what_a_description_asks_for_in_vain() -> None:
    printed = run("show", "edge-npu-1", "--set", "dma.channels=3").output
    assert "not modelled: DMA channels beyond two: one loads, one stores" in printed
    assert "not modelled: SRAMs of their own for inputs, weights and outputs" in printed
    assert "SRAM of each core's own" not in printed
    assert "SRAM of each core's own" in run("show", "ethos-u65-512").output
