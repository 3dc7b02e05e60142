"""Loading: files that cannot be read, `extends`, `--set`, and where each value came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.errors import DescriptionError, UsageError
from npusim.hardware import load_description, load_hardware, preset_names, resolve_sources
from npusim.hardware.loader import MAX_FILE_BYTES
from tests.support.descriptions import SOUND, changed, load, only_problem, problems, write


def refusal(name: object, overrides: object = ()) -> str:
    with pytest.raises(DescriptionError) as caught:
        load_hardware(name, overrides)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_preset_is_found_by_name_and_a_file_by_path(tmp_path: Path) -> None:
    assert load_hardware("edge-npu-1").name == "edge-npu-1"
    assert load_hardware(write(tmp_path, SOUND)).name == "small"
    assert load_hardware(str(write(tmp_path, SOUND))).name == "small"


def test_an_unknown_preset_gets_the_nearest_name_and_all_of_them() -> None:
    text = refusal("edge-npu1")
    assert "(did you mean 'edge-npu-1'?)" in text
    assert all(name in text for name in preset_names())


@pytest.mark.parametrize("name", ["missing.yaml", "a\0b.yaml", "x/../y.yaml"])
def test_what_is_not_a_file_is_said_so(tmp_path: Path, name: str) -> None:
    assert "there is no file" in refusal(f"{tmp_path}/{name}")


def test_a_directory_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert "folder.yaml is a directory" in refusal(f"{tmp_path}/folder.yaml")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\n" + "#" * MAX_FILE_BYTES)
    assert f"more than {MAX_FILE_BYTES} bytes" in refusal(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    assert "is not UTF-8 text: byte 6 is 0xff" in refusal(path)
    path.write_bytes(b"name: \x00\n")
    assert "not YAML" in refusal(path)


def test_extends_merges_sections_and_replaces_values(tmp_path: Path) -> None:
    write(tmp_path, SOUND, "base.yaml")
    text = "extends: base.yaml\nname: big\nmac_array: {rows: 16}\nmapping: {fusion: [add]}\n"
    hardware = load(tmp_path, text)
    assert (hardware.name, hardware.mac_array.rows, hardware.mac_array.cols) == ("big", 16, 8)
    assert hardware.mapping.fusion == ("add",)


def test_extends_takes_a_preset(tmp_path: Path) -> None:
    hardware = load(tmp_path, "extends: edge-npu-1\nname: mine\ncores: 4\n")
    assert hardware.peak_macs_per_cycle() == 4 * 1024


def test_null_removes_a_precision_of_the_base(tmp_path: Path) -> None:
    text = "extends: edge-npu-1\nname: mine\nmac_array: {precisions: {int8*int4: null}}\n"
    assert sorted(load(tmp_path, text).mac_array.precisions) == ["fp8*fp8", "int8*int8"]


def test_mistakes_are_placed_in_the_file_that_made_them(tmp_path: Path) -> None:
    base = write(tmp_path, changed("rows: 4", "rows: 0"), "base.yaml")
    found = problems(tmp_path, "extends: base.yaml\nname: big\ncores: 0\n")
    assert [problem.where for problem in found] == [f"{base}:7:9", "3:8"]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("edge-npu-2", "(did you mean 'edge-npu-1'?)"),
        ("gone.yaml", "there is no file"),
        ("[a, b]", "extends takes the name of a preset or a path, found ['a', 'b']"),
        ("small.yaml", "extends itself: small.yaml -> small.yaml"),
    ],
)
def test_a_bad_extends_is_placed_at_its_value(tmp_path: Path, value: str, part: str) -> None:
    where, what = only_problem(tmp_path, f"# first\n{SOUND}extends: {value}\n")
    assert where == "22:10"
    assert part in what


def test_a_cycle_of_extends_is_found(tmp_path: Path) -> None:
    write(tmp_path, "extends: c.yaml\n", "b.yaml")
    write(tmp_path, "extends: small.yaml\n", "c.yaml")
    where, what = problems(tmp_path, "extends: b.yaml\n")[0].where, None
    text = refusal(tmp_path / "small.yaml")
    assert where == f"{tmp_path}/c.yaml:1:10", what
    assert "extends itself: small.yaml -> b.yaml -> c.yaml -> small.yaml" in text


def test_another_memory_drops_the_numbers_of_the_old_one() -> None:
    changed_memory = load_hardware("ethos-u55-128", ["memory.dram.technology=ddr4-3200"])
    assert changed_memory.dram_peak_bytes_per_s == 25.6e9
    assert changed_memory.dram_energy_pj_per_byte == 8 * 20.3
    assert not changed_memory.memory.dram.read_only
    same = load_hardware("ethos-u55-128", ["memory.dram.technology=flash"])
    assert same.dram_bytes_per_s == 5e8
    both = ["memory.dram.technology=ddr4-3200", "memory.dram.bandwidth=1 GB/s"]
    assert load_hardware("ethos-u55-128", both).dram_bytes_per_s == 1e9


def test_overrides_come_as_texts_or_as_a_mapping(tmp_path: Path) -> None:
    by_text = load(tmp_path, SOUND, ["mac_array.rows=64", "memory.sram.size=1 MiB"])
    mapping = {"mac_array.rows": 64, "memory": {"sram": {"size": "1 MiB"}}}
    assert load_hardware(write(tmp_path, SOUND), mapping) == by_text
    assert by_text.memory.sram.size_bytes == 1 << 20
    assert load(tmp_path, SOUND, ["cores=2", "cores=3"]).cores == 3


@pytest.mark.parametrize(
    ("override", "where", "part"),
    [
        ("mac_array.colums=64", "--set mac_array.colums", "(did you mean 'cols'?)"),
        ("mac_aray.cols=64", "--set mac_aray.cols", "(did you mean 'mac_array'?)"),
        ("mac_array.cols=-1", "--set mac_array.cols", "must be at least 1"),
        ("memory.sram.size=1 MHz", "--set memory.sram.size", "unknown unit 'MHz'"),
        ("memory.sram.size=1", "--set memory.sram.size", "has no unit"),
        ("clock.fast=1 GHz", "--set clock.fast", "is not a quantity"),
        ("mac_array.=1", "--set mac_array.", "expected a dotted path"),
        ("mac_array.rows=[1", "--set mac_array.rows", "not YAML"),
        ("mac_array.rows=", "--set mac_array.rows", "found null"),
        ("mapping.fusion=[activation, ad]", "--set mapping.fusion", "(did you mean 'add'?)"),
        ("name=x\ncores: 0", "--set name", "is not one value"),
    ],
)
def test_a_bad_override_is_named_as_it_was_given(
    tmp_path: Path, override: str, where: str, part: str
) -> None:
    place, what = only_problem(tmp_path, SOUND, [override])
    assert place == where
    assert part in what


def test_an_override_without_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected PATH=VALUE"):
        load(tmp_path, SOUND, ["mac_array.rows"])


def test_values_keep_their_place_and_their_sources(tmp_path: Path) -> None:
    base = changed("clock: 100 MHz", "clock: 100 MHz # [made]")
    write(tmp_path, changed("mac_array:\n", "mac_array: # [made]\n", base), "base.yaml")
    path = write(tmp_path, "extends: base.yaml\nname: b\nsources: {new: n}\ncores: 2 # [new]\n")
    found = {value.path: value for value in resolve_sources(path, ["mac_array.rows=8"])}
    assert found["clock"].sources == ("made: made up for a test",)
    assert found["mac_array.precisions.int8*int8"].sources == ("made: made up for a test",)
    assert found["cores"].sources == ("new: n",)
    assert found["cores"].where == f"{path}:4:8"
    assert found["mac_array.rows"].value == 8
    assert found["mac_array.rows"].origin == "--set"
    assert found["dma.setup"].sources == ()
    assert "name" not in found


def test_numbers_without_a_source_are_listed(tmp_path: Path) -> None:
    missing = [value.path for value in load_description(write(tmp_path, SOUND)).unsourced()]
    assert "clock" in missing and "mac_array.rows" in missing
    assert "mac_array.style" not in missing and "memory.dram.technology" not in missing


@given(st.text(alphabet="abcdlorsw_.=[]{}:*#'\"0123456789 \n-KiB", max_size=40))
def test_no_override_ends_in_a_traceback(text: str) -> None:
    try:
        load_hardware("edge-npu-1", [text])
    except (DescriptionError, UsageError) as error:
        assert error.problems
