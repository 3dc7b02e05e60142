"""Free parameters: what their section must say, and when they are free no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim.hardware import (
    free_parameters,
    load_description,
    load_hardware,
    preset_names,
)
from tests.support.descriptions import SOUND, changed, load, only_problem, problems, write

OUTPUT = "output_stage: {rate: 8 elements/cycle}"
RANGE = "{range: [1 elements/cycle, 16 elements/cycle], why: not published}"
FREE = changed(OUTPUT, f"{OUTPUT}  # [free]") + f"free:\n  output_stage.rate: {RANGE}\n"


def with_free(path: str, ends: str, why: str = "not published") -> str:
    return f"{SOUND}free:\n  {path}: {{range: [{ends}], why: {why}}}\n"


def test_a_free_parameter_has_numbers_in_the_units_of_its_field(tmp_path: Path) -> None:
    (one,) = free_parameters(load(tmp_path, FREE))
    assert (one.path, one.value, one.low, one.high) == ("output_stage.rate", 8.0, 1.0, 16.0)
    assert one.why == "not published"
    assert one.range_text == "1 elements/cycle to 16 elements/cycle"
    assert one.text(2.5) == "2.5 elements/cycle"


@pytest.mark.parametrize(
    ("path", "ends", "value"),
    [
        ("clock", "50 MHz, 1 GHz", 1e8),
        ("memory.sram.size", "1 KiB, 1 MiB", 64 * 1024),
        ("vector_unit.lanes", "1, 64", 4),
        ("vector_unit.rates.add", "0.5, 2", 1.0),
        ("mac_array.precisions.int8*int8", "0.5, 2", 1.0),
        ("overheads.per_layer", "0 cycles, 10 cycles", 0),
        ("technology.node", "7 nm, 45 nm", 45e-9),
    ],
)
def test_any_number_that_is_set_may_be_free(
    tmp_path: Path, path: str, ends: str, value: float
) -> None:
    (one,) = free_parameters(load(tmp_path, with_free(path, ends)))
    assert one.value == pytest.approx(value)
    override = [f"{path}={one.text(one.high)}"]
    assert free_parameters(load_hardware(tmp_path / "small.yaml", override)) == ()


def test_a_latency_may_be_free_in_cycles_and_in_seconds(tmp_path: Path) -> None:
    dram = "dram: {technology: ddr3-1600}"
    for latency, ends, dimension in (
        ("100 ns", "50 ns, 1 us", "time"),
        ("7 cycles", "0 cycles, 9 cycles", "cycles"),
    ):
        text = with_free("memory.dram.latency", ends)
        text = changed(dram, f"dram: {{technology: ddr3-1600, latency: {latency}}}", text)
        (one,) = free_parameters(load(tmp_path, text))
        assert one.dimension == dimension
        assert one.text(one.value) == latency


@pytest.mark.parametrize(
    ("path", "ends", "where", "part"),
    [
        (
            "output_stage.rat",
            "1, 2",
            "22:3",
            "'output_stage.rat' to be free (did you mean 'rate'?)",
        ),
        ("vector_unit.rates.ad", "1, 2", "22:3", "vector_unit.rates has add"),
        ("cores.x", "1, 2", "22:3", "cores has nothing below it"),
        ("mac_array", "1, 2", "22:3", "not a number that this description sets"),
        ("name", "1, 2", "22:3", "not a number that this description sets"),
        ("host.rate", "1 GFLOP/s, 2 GFLOP/s", "22:3", "state it, within its range"),
        ("clock", "200 MHz, 1 GHz", "22:18", "clock = 100 MHz lies outside of its range"),
        ("clock", "1 MHz, 99 MHz", "22:18", "outside of its range 1 MHz to 99 MHz"),
        ("clock", "1 GHz, 1 MHz", "22:18", "is empty: state the lower end first"),
        ("clock", "100 MHz, 100 MHz", "22:18", "is empty"),
        ("clock", "1 B, 1 GHz", "22:18", "the range does not fit clock: '1 B': unknown unit"),
        ("clock", "0 Hz, 1 GHz", "22:18", "'0 Hz' is out of range: it must be positive"),
        ("mac_array.rows", "0, 8", "22:27", "the range does not fit mac_array.rows: 0"),
        ("mac_array.rows", "1.5, 8", "22:27", "the range does not fit mac_array.rows: 1.5"),
        ("clock", "1 MHz", "22:18", "expected more entries"),
    ],
)
def test_a_wrong_range_is_refused_at_its_place(
    tmp_path: Path, path: str, ends: str, where: str, part: str
) -> None:
    place, what = only_problem(tmp_path, with_free(path, ends))
    assert place == where
    assert part in what


def test_the_unit_of_a_range_is_that_of_the_value(tmp_path: Path) -> None:
    text = with_free("memory.dram.latency", "1 ns, 10 ns")
    dram = "dram: {technology: ddr3-1600}"
    text = changed(dram, "dram: {technology: ddr3-1600, latency: 7 cycles}", text)
    where, what = only_problem(tmp_path, text)
    assert where == "22:32"
    assert "is not in cycles as memory.dram.latency is" in what


def test_a_reason_is_needed(tmp_path: Path) -> None:
    assert "expected a text" in only_problem(tmp_path, with_free("clock", "1 Hz, 1 GHz", "''"))[1]
    text = f"{SOUND}free:\n  clock: {{range: [1 Hz, 1 GHz]}}\n"
    assert "key 'why' is missing" in only_problem(tmp_path, text)[1]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = with_free("clock", "1 GHz, 1 MHz") + f"  output_stage.rat: {RANGE}\n"
    assert [problem.where for problem in problems(tmp_path, text)] == ["22:18", "23:3"]


def test_a_published_number_is_not_free(tmp_path: Path) -> None:
    text = changed(f"{OUTPUT}  # [free]", f"{OUTPUT}  # [made]", FREE)
    where, what = only_problem(tmp_path, text)
    assert where == "13:22"
    assert "is declared free and cites 'made: made up for a test'" in what


def test_a_line_that_cites_free_is_declared(tmp_path: Path) -> None:
    where, what = only_problem(tmp_path, changed("output_stage.rate", "clock", FREE).replace(
        "[1 elements/cycle, 16 elements/cycle]", "[1 Hz, 1 GHz]"))  # fmt: skip
    assert where == "13:22"
    assert what.startswith("output_stage.rate cites [free], but 'free' does not declare it")


def test_free_is_no_name_for_a_source(tmp_path: Path) -> None:
    text = changed('sources: {made: "made up for a test"}', "sources: {free: a book}")
    where, what = only_problem(tmp_path, text)
    assert where == "3:11"
    assert "give this source another key" in what


def test_a_source_says_something(tmp_path: Path) -> None:
    text = changed('sources: {made: "made up for a test"}', "sources: {made: ''}")
    assert only_problem(tmp_path, text) == ("3:17", "sources.made: expected a text, found ''")


@pytest.mark.parametrize(
    ("upper", "free"),
    [
        ("cores: 2", True),
        ("output_stage: {rate: 4 elements/cycle}  # [free]", True),
        ("free: {output_stage.rate: {range: [2 elements/cycle, 9 elements/cycle], why: x}}", True),
        ("output_stage: {rate: 4 elements/cycle}", False),
        ("sources: {book: a}\noutput_stage: {rate: 4 elements/cycle}  # [book]", False),
    ],
)
def test_whoever_states_the_value_above_ends_the_freedom(
    tmp_path: Path, upper: str, free: bool
) -> None:
    write(tmp_path, FREE, "base.yaml")
    hardware = load(tmp_path, f"extends: base.yaml\nname: above\n{upper}\n")
    assert bool(free_parameters(hardware)) == free


def test_what_is_dropped_with_its_memory_is_free_no_more() -> None:
    other = load_hardware("edge-tpu", ["memory.dram.technology=ddr4-3200"])
    paths = {one.path for one in free_parameters(other)}
    assert "memory.dram.latency" not in paths and "dma.setup" in paths


def test_a_free_number_needs_no_source(tmp_path: Path) -> None:
    missing = [value.path for value in load_description(write(tmp_path, FREE)).unsourced()]
    assert "output_stage.rate" not in missing and "clock" in missing


def test_what_is_free_changes_no_result(tmp_path: Path) -> None:
    assert load(tmp_path, FREE).sha256 == load(tmp_path, SOUND).sha256


@pytest.mark.parametrize("name", preset_names())
def test_what_a_preset_assumes_lies_within_its_range(name: str) -> None:
    found = free_parameters(load_hardware(name))
    assert found
    for one in found:
        assert one.low <= one.value <= one.high
        assert len(one.why) > 5
        for end in (one.low, one.high):
            load_hardware(name, {one.path: _plain(one.text(end))})


def _plain(text: str) -> object:
    """A text without a unit as the number that it is."""
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return text
