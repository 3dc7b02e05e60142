"""The trace file: Chrome's format, tracks without overlaps, sums that are those of the counts."""

from __future__ import annotations

import gzip
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import npusim
from npusim import api
from npusim.errors import UsageError
from npusim.hardware.presets import preset_names
from npusim.report.trace import tracks, write_trace
from npusim.report.trace.counters import bandwidth, most_of
from npusim.schedule.program import Program
from npusim.timing.counts import count, timed
from npusim.timing.records import LOG, WHOLE_LOG
from tests.support.graphs import Build, only
from tests.support.machines import machine_with, tiny
from tests.support.programs import program_of, scheduled_programs
from tests.timing.test_counts import mixed_program
from tests.timing.test_engine import layer

REQUIRED = {
    "X": {"ph", "pid", "tid", "ts", "dur", "name", "args"},
    "C": {"ph", "pid", "ts", "name", "args"},
    "M": {"ph", "pid", "tid", "name", "args"},
}
"""Fields that the Trace Event Format wants of complete events, counters and metadata."""


def trace_of(program: Program, folder: Path) -> dict[str, Any]:
    """The trace of `program`, read back."""
    path = folder / "trace.json"
    write_trace(program, path)
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def on_track(document: dict[str, Any], track: int) -> list[dict[str, Any]]:
    """Complete events of a track, in order of time."""
    events = [e for e in document["traceEvents"] if e["ph"] == "X" and e["tid"] == track + 1]
    return sorted(events, key=lambda event: event["ts"])


def counter(document: dict[str, Any], name: str) -> list[tuple[float, float]]:
    """(microseconds, value) of a counter."""
    events = [e for e in document["traceEvents"] if e["ph"] == "C" and e["name"] == name]
    return [(e["ts"], next(iter(e["args"].values()))) for e in events]


def ns(micros: float) -> int:
    return round(1000 * micros)


def test_every_event_has_the_fields_of_its_kind(tmp_path: Path) -> None:
    document = trace_of(mixed_program(), tmp_path)
    assert set(document) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert document["displayTimeUnit"] == "ns"
    for event in document["traceEvents"]:
        assert set(event) == REQUIRED[event["ph"]]
        assert event["ph"] != "C" or all(isinstance(v, int | float) for v in event["args"].values())
    named = [e for e in document["traceEvents"] if e["name"] == "thread_name"]
    names = [e["args"]["name"] for e in named]
    assert names == [name for name in tracks.NAMES if name in names]
    assert {"layers", "DRAM bus", "MAC array", "output stage"} <= set(names)
    shown = {e["tid"] for e in document["traceEvents"] if e["ph"] == "X"}
    assert shown <= {e["tid"] for e in named} and min(shown) > 0


def test_times_of_one_tile_are_those_of_the_engine(tmp_path: Path) -> None:
    """The layer of `tests/timing/test_engine.py`, its cycles computed by hand there; 2 ns each."""
    document = trace_of(layer(), tmp_path)
    found = {
        (tracks.NAMES[track], event["args"].get("what")): (ns(event["ts"]), ns(event["dur"]))
        for track in range(1, len(tracks.NAMES))
        for event in on_track(document, track)
    }
    assert found == {
        ("DMA set-up, loads", "load of inputs"): (0, 2 * 3),
        ("DMA set-up, loads", "load of weights"): (2 * 3, 2 * 3),
        ("DRAM bus", "load of inputs"): (2 * 23, 2 * 4),
        ("DRAM bus", "load of weights"): (2 * 27, 2 * 2),
        ("MAC array", "tile on the MAC array"): (2 * 33, 2 * 8),
        ("output stage", "output stage"): (2 * 33, 2 * 14),
        ("DMA set-up, stores", "store"): (2 * 47, 2 * 3),
        ("DRAM bus", "store"): (2 * 70, 2 * 4),
    }
    (tile,) = on_track(document, tracks.MAC_ARRAY)
    assert tile["args"]["tile"] == "B 0:8 G 0:1 K 0:4 C 0:4 OY 0:1 OX 0:1"
    assert tile["args"]["waited_for"] == "load of weights"
    assert tile["args"]["idle_before"] == 33
    assert tile["args"]["compute_cycles"] == 8


def assert_consistent(program: Program, document: dict[str, Any]) -> None:
    counts = count(program)
    ns_per_cycle = 1e9 / program.hardware.clock_hz
    for track in range(len(tracks.NAMES)):
        ended = 0
        for event in on_track(document, track):
            assert ns(event["ts"]) >= ended
            ended = ns(event["ts"]) + ns(event["dur"])
        assert ended <= round(counts.cycles * ns_per_cycle)
    busy = sum(event["args"]["cycles"] for event in on_track(document, tracks.MAC_ARRAY))
    assert busy == sum(step.array_busy_cycles for step in counts.steps)
    moved: dict[str, int] = defaultdict(int)
    for track in (tracks.BUS, tracks.BUS_INPUTS, tracks.BUS_WRITES):
        for event in on_track(document, track):
            moved[event["args"]["what"][:4]] += event["args"]["bus_bytes"]
    assert moved["load"] == sum(step.dram_read_bytes for step in counts.steps)
    assert moved["stor"] == sum(step.dram_write_bytes for step in counts.steps)
    owned = [e["args"]["cycles_of_the_latency"] for e in on_track(document, tracks.LAYERS)]
    layers = sum(sum(causes.values()) for causes in owned)
    assert layers <= counts.cycles * (1 + 1e-9) + 1e-3 * len(owned) * 16
    assert_counters(program, document, counts.cycles, sum(moved.values()))


def assert_counters(
    program: Program, document: dict[str, Any], cycles: int, moved_bytes: int
) -> None:
    in_use = counter(document, "SRAM in use")
    assert min(b for _, b in in_use) >= 0
    assert max(b for _, b in in_use) <= program.sram_peak_bytes
    most = most_of(program)
    edges, rates = bandwidth(timed(program, WHOLE_LOG).log, cycles, most)
    assert rates.max(initial=0.0) <= most * (1 + 1e-9)
    assert rates.min(initial=0.0) >= 0.0
    lengths = np.diff(np.append(edges, max(cycles, 1)))
    assert (rates * lengths).sum() == pytest.approx(moved_bytes, rel=1e-9)
    shown = counter(document, "DRAM bandwidth")
    gigabytes = rates * program.hardware.clock_hz / 1e9
    assert [rate for _, rate in shown] == pytest.approx(gigabytes.tolist(), rel=1e-6)


def test_the_trace_of_a_network_agrees_with_its_counts(tmp_path: Path) -> None:
    program = mixed_program()
    document = trace_of(program, tmp_path)
    assert_consistent(program, document)
    shown = [event["name"] for event in on_track(document, tracks.LAYERS)]
    assert shown == [*(step.name for step in program.steps), "(inference)"]


@settings(max_examples=25)
@given(scheduled_programs())
def test_traces_of_random_programs_agree_with_their_counts(tmp_path_factory, program):
    assert_consistent(program, trace_of(program, tmp_path_factory.mktemp("traces")))


@pytest.mark.parametrize("preset", preset_names())
def test_traces_of_every_preset_agree_with_their_counts(preset: str, tmp_path: Path) -> None:
    program = api.schedule("digits", preset)
    assert_consistent(program, trace_of(program, tmp_path))


def test_a_clock_without_whole_nanoseconds_makes_no_overlap(tmp_path: Path) -> None:
    graph = only(lambda build, x: build.conv(x, 24, (3, 3)), 1, 20, 20, 8)
    program = program_of(graph, machine_with(clock="1.3 GHz", memory__sram__size="8 KiB"))
    assert_consistent(program, trace_of(program, tmp_path))


def test_the_fixed_cost_of_an_inference_is_the_last_event(tmp_path: Path) -> None:
    graph = only(lambda build, x: build.fully_connected(x, 4), 8, 4)
    program = program_of(graph, tiny(overheads__per_inference="1 us"))
    last = on_track(trace_of(program, tmp_path), tracks.LAYERS)[-1]
    assert (last["name"], ns(last["dur"])) == ("(inference)", 1000)
    assert last["args"]["cycles_of_the_latency"] == {"dispatch": 500}


def test_counters_have_a_bounded_number_of_points(tmp_path: Path) -> None:
    document = trace_of(layer(3000), tmp_path)
    for name in ("SRAM in use", "SRAM, tiles", "DRAM bandwidth"):
        assert 1000 < len(counter(document, name)) <= 4000
    assert max(b for _, b in counter(document, "SRAM, tiles")) == 8 * 4 + 2 * 16 + 2 * 32


def test_names_that_json_must_escape(tmp_path: Path) -> None:
    build = Build()
    build.fully_connected(build.input(8, 4), 4)
    graph = build.graph()
    program = program_of(graph, tiny())
    strange = 'a "100 %" \\ layer\n%d'
    object.__setattr__(program.steps[0], "name", strange)
    tiles = on_track(trace_of(program, tmp_path), tracks.MAC_ARRAY)
    assert {tile["name"] for tile in tiles} == {strange}


def test_a_name_that_ends_in_gz_is_packed_and_the_bytes_are_the_same_each_time(
    tmp_path: Path,
) -> None:
    program = mixed_program()
    plain, packed, again = (tmp_path / name for name in ("a.json", "b.json.GZ", "c.json.gz"))
    for path in (plain, packed, again):
        write_trace(program, path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()


def test_a_trace_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        npusim.trace("digits", "edge-npu-1", tmp_path / "missing" / "trace.json")
    assert list(tmp_path.iterdir()) == []
    report = npusim.trace("digits", "edge-npu-1", tmp_path / "trace.json")
    assert report == npusim.simulate("digits", "edge-npu-1")
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


@pytest.mark.parametrize("preset", ["edge-npu-1", "gemmini-16"])
def test_the_trace_of_resnet_50_takes_less_than_2_s(preset: str, tmp_path: Path) -> None:
    """CPU time, packed; the schedule is made before. Measured: 0.3 s."""
    program = api.schedule("resnet-50", preset)
    write_trace(mixed_program(), tmp_path / "compiled.json")
    begin = time.process_time()
    write_trace(program, tmp_path / "trace.json.gz")
    assert time.process_time() - begin < 2.0


def test_what_two_transfers_move_at_once_is_at_most_the_bus() -> None:
    """60 bytes in 100 cycles, and 20 in the 20 from the 40th on: 1.6 a cycle, on a bus of one."""
    log = np.zeros(2, LOG)
    log["held"], log["end"], log["moved"] = [0, 40], [100, 60], [60, 20]
    edges, rates = bandwidth(log, 100, 1.0)
    of = dict(zip(edges.tolist(), rates.tolist(), strict=True))
    assert of[39] == pytest.approx(0.6)
    assert of[40] == of[59] == of[60] == pytest.approx(1.0)
    assert of[99] == pytest.approx(0.6)
    assert rates.sum() == pytest.approx(80)
