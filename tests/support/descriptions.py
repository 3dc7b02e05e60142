"""A small sound description, and a way to load a changed one from a temporary folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from npusim.errors import DescriptionError, Problem
from npusim.hardware import Hardware, load_hardware

SOUND = """\
npusim: hardware/1
name: small
sources: {made: "made up for a test"}
clock: 100 MHz
mac_array:
  style: systolic
  rows: 4
  cols: 8
  dataflows: [weight_stationary]
  overlap: {weight_load: true, drain: false}
  precisions: {int8*int8: 1}
  accumulator: {format: int32}
output_stage: {rate: 8 elements/cycle}
vector_unit: {lanes: 4, rates: {add: 1}}
memory:
  sram: {size: 64 KiB, banks: 4, read: 8 B/cycle, write: 8 B/cycle}
  dram: {technology: ddr3-1600}
dma: {channels: 1, setup: 10 cycles, outstanding: 4}
overheads: {per_layer: 0 cycles, per_inference: 0 s}
technology: {node: 45 nm}
"""


def changed(old: str, new: str, text: str = SOUND) -> str:
    """`text` with `old`, which must occur once, replaced."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def write(folder: Path, text: str, name: str = "small.yaml") -> Path:
    """Writes a description and gives its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, overrides: Sequence[str] = ()) -> Hardware:
    """Loads `text` from a file of `folder`."""
    return load_hardware(write(folder, text), overrides)


def problems(folder: Path, text: str, overrides: Sequence[str] = ()) -> list[Problem]:
    """What is wrong with `text`; places are relative to the file, `line:column`."""
    path = write(folder, text)
    with pytest.raises(DescriptionError) as caught:
        load_hardware(path, overrides)
    assert caught.value.exit_code == 2
    return [
        Problem(problem.where.removeprefix(f"{path}:"), problem.what)
        for problem in caught.value.problems
    ]


def only_problem(folder: Path, text: str, overrides: Sequence[str] = ()) -> tuple[str, str]:
    """Place and words of the one thing that is wrong with `text`."""
    found = problems(folder, text, overrides)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0].where, found[0].what
