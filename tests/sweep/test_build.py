"""Spaces from files and options, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from npusim.errors import DescriptionError, UsageError
from npusim.sweep.build import merged_space, read_space, space_of

FILE = """\
npusim: sweep/1
hardware: edge-npu-1
set: {memory.dram.channels: 2}
models:
  - mlperf-tiny-kws
  - {model: mlperf-tiny-ad, weight: 3}
vary:
  mac_array.rows+mac_array.cols: 8:32:x2
  memory.sram.size: [64 KiB, 1 MiB]
  clock: {from: 200 MHz, to: 1 GHz, step: 400 MHz}
  assume: [int8, int8*int4]
constraints: [rows * cols <= 512, size >= 64 KiB]
objectives: [latency, energy_j]
schedule: edp
sample: random:5
seed: 3
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "space.yaml"
    path.write_text(text)
    return path


def test_a_file_of_a_space(tmp_path: Path) -> None:
    space = read_space(_written(tmp_path, FILE))
    assert space.lengths == (3, 2, 3, 2)
    assert space.variants.base.memory.dram.channels == 2
    assert [(share.name, share.weight) for share in space.models] == [
        ("mlperf-tiny-kws", 1.0), ("mlperf-tiny-ad", 3.0),
    ]  # fmt: skip
    assert space.objectives == ("latency_s", "energy_j")
    assert (space.goal, str(space.sample), space.sample.seed) == ("edp", "random:5", 3)
    assert [c.text for c in space.constraints] == ["rows * cols <= 512", "size >= 64 KiB"]


BAD: list[tuple[str, str, str]] = [
    ("vary: {}", "1:1", "at least 1"),
    ("varys: {}", "1:1", "did you mean 'vary'"),
    ("vary:\n  mac_array.row: [1]", "2:3", "did you mean 'mac_array.rows'"),
    ("vary:\n  clock: 2 GHz:1 GHz:+1 Hz", "2:3", "the range is empty"),
    ("vary:\n  mac_array.rows: [8, 0]", "2:3", "at least 1"),
    ("vary:\n  clock: [1 GHz]\nconstraints:\n  - rows <", "4:5", "no condition"),
    ("vary:\n  clock: [1 GHz]\nobjectives: [latncy]", "3:1", "latency"),
    ("vary:\n  clock: [1 GHz]\nschedule: speed", "3:1", "latency, energy, edp"),
    ("vary:\n  clock: [1 GHz]\nsample: randm:4", "3:1", "did you mean 'random'"),
    ("vary:\n  clock: [1 GHz]\nsample: random", "3:1", "random:N"),
    ("vary:\n  clock: [1 GHz]\nassume: int0x", "3:1", "unknown number format"),
    ("vary:\n  assume: [int8, foo]", "2:3", "unknown number format"),
    ("vary:\n  clock: [1 GHz]\n  clock: [2 GHz]", "3:3", "twice"),
    ("vary:\n  clock+cores: [[1 GHz, 2]]\n  cores: [1]", "3:3", "another axis"),
    ("vary:\n  clock: [1 GHz]\nhardware: edge-npu", "3:1", "did you mean 'edge-npu-1'"),
    ("vary:\n  clock: [1 GHz]\nmodels:\n  - {model: a, wight: 2}", "4:16", "did you mean 'weight'"),
    ("vary:\n  clock: [1 GHz]\nmodels:\n  - {model: a, weight: -2}", "4:16", "greater than"),
]


@pytest.mark.parametrize(("text", "place", "said"), BAD)
def test_mistakes_have_a_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    with pytest.raises((UsageError, DescriptionError)) as caught:
        read_space(_written(tmp_path, text))
    found = [p for p in caught.value.problems if said in p.what]
    assert found, str(caught.value)
    assert found[0].where.endswith(f"space.yaml:{place}")


def test_all_mistakes_come_at_once() -> None:
    stated = {"vary": {"mac_array.row": [1], "clock": []}, "schedule": "x", "sample": "y"}
    with pytest.raises(UsageError) as caught:
        space_of(stated)
    assert [problem.where for problem in caught.value.problems] == [
        "vary.mac_array.row", "vary.clock", "schedule", "sample",
    ]  # fmt: skip


def test_options_come_on_top_of_a_file(tmp_path: Path) -> None:
    options: dict[str, Any] = {"vary": {"mac_array.rows+mac_array.cols": "4,8"}, "sample": "grid",
                               "constraints": ["rows > 2"], "set": {}}  # fmt: skip
    space = merged_space(str(_written(tmp_path, FILE)), options, (), "digits")
    assert space.lengths == (2, 2, 3, 2)
    assert len(space.constraints) == 3
    assert str(space.sample) == "grid"
    assert [share.name for share in space.models] == ["mlperf-tiny-kws", "mlperf-tiny-ad"]


def test_options_are_named_in_mistakes() -> None:
    with pytest.raises(UsageError) as caught:
        merged_space(None, {"vary": {"mac_array.row": "1"}, "sample": "x"}, (), "digits")
    wheres = [problem.where for problem in caught.value.problems]
    assert wheres == ["--vary mac_array.row", "--sample"]


def test_a_space_that_is_too_large_to_number() -> None:
    paths = ("mac_array.rows", "mac_array.cols", "dma.setup", "vector_unit.lanes", "cores")
    many = {path: "1:9000:+1" for path in paths if path != "dma.setup"}
    many["dma.setup"] = "1 cycles:9000 cycles:+1 cycles"
    with pytest.raises(UsageError, match="too many"):
        space_of({"vary": many})
