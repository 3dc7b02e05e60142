"""Mapping files: the schedule of a Program written out, and read back as what is fixed.

    npusim: mapping/1
    model: {name: ..., sha256: ...}
    hardware: {name: ..., sha256: ...}
    weights_stay: false
    cascades: [{first: conv1, last: conv3, rows: 8}]
    resident: [tensor, ...]
    steps:
    - name: conv1
      tile: {B: 1, G: 1, K: 16, C: 8, OY: 14, OX: 14}
      loop_order: weights_outer
      dataflow: weight_stationary
      core_split: K

Every key below `npusim` may be left out, of a step all but its name: what a file does not say is
searched. `model` and `hardware` are for information. Tile sizes are elements of each loop; the last
tile of a loop may be smaller than the others. Where an array works in blocks, rows of a matrix
product are OY and OX (`rectangles.py`), elsewhere they are B.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path as FilePath
from typing import Any

import yaml

from npusim.cost.machine import machine_of
from npusim.errors import DescriptionError, Problem, UsageError
from npusim.hardware.document import MAX_NODES, read_document
from npusim.hardware.loader import MAX_FILE_BYTES
from npusim.hardware.schema import Hardware
from npusim.hardware.textfile import read_text
from npusim.ir.graph import Graph
from npusim.schedule.fixed import TILE_DIMS, Cascade, Mapping, StepMapping
from npusim.schedule.lower import lower
from npusim.schedule.mapping_checks import Checker
from npusim.schedule.program import Program
from npusim.schedule.spaces import names_of
from npusim.schedule.tables import ALIAS, ARRAY, HOST

FORMAT = "mapping/1"
_VALUES_PER_STEP = 64
_BYTES_PER_STEP = 4096
_HEADER = """\
# A schedule, to be read with --mapping. What is left out is searched: keys, steps, or all of them.
"""


def dump_mapping(program: Program) -> str:
    """The text of a mapping file that gives `program` again.

    Raises UsageError if steps share a name, so that a file cannot tell them apart.
    """
    counts = Counter(step.name for step in program.steps)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        what = "several steps have this name: a mapping file can't tell them apart"
        raise UsageError(Problem(name, what) for name in twice)
    graph, hardware = program.graph, program.hardware
    head = {
        "npusim": FORMAT,
        "model": {"name": graph.name, "sha256": graph.sha256},
        "hardware": {"name": hardware.name, "sha256": hardware.sha256},
        "weights_stay": program.pinned_bytes > 0,
        "cascades": [_cascade_data(program, cascade) for cascade in program.cascades],
    }
    steps = [
        _step_data(program, at)
        for at, step in enumerate(program.steps)
        if step.unit not in (ALIAS, HOST)
    ]
    resident = _yaml({"resident": list(program.placements)}, one_a_line=True)
    return f"{_HEADER}{_yaml(head)}{resident}{_yaml({'steps': steps})}"


def _yaml(data: dict[str, Any], one_a_line: bool = False) -> str:
    return yaml.safe_dump(
        data, sort_keys=False, default_flow_style=False if one_a_line else None, width=100,
        allow_unicode=True,
    )  # fmt: skip


def _cascade_data(program: Program, cascade: Cascade) -> dict[str, Any]:
    nodes = program.graph.nodes
    ends = {"first": nodes[cascade.first].name, "last": nodes[cascade.last].name}
    return {**ends, "rows": cascade.rows}


def _step_data(program: Program, at: int) -> dict[str, Any]:
    fixed = step_mapping(program, at)
    data: dict[str, Any] = {
        "name": program.steps[at].name,
        "tile": dict(zip(TILE_DIMS, fixed.tile, strict=True)),
        "loop_order": fixed.loop_order,
        "dataflow": fixed.dataflow,
        "core_split": fixed.core_split,
    }
    return {key: value for key, value in data.items() if value is not None}


def step_mapping(program: Program, at: int) -> StepMapping:
    """Tile, loop order, dataflow and core split of step `at`; off the array the last two are None.

    The step runs on the array or on the vector unit.
    """
    row = program.table[at]
    tile = tuple(int(row[f"tile_{dim.lower()}"]) for dim in TILE_DIMS)
    order, dataflow, split = names_of(int(row["order"]), int(row["dataflow"]), int(row["split"]))
    if program.steps[at].unit != ARRAY:
        return StepMapping(tile, order)
    return StepMapping(tile, order, dataflow, split)


def mapping_of(program: Program) -> Mapping:
    """Everything that is chosen in `program`, fixed; steps need names of their own."""
    steps = {
        step.name: step_mapping(program, at)
        for at, step in enumerate(program.steps)
        if step.unit not in (ALIAS, HOST)
    }
    stays = program.pinned_bytes > 0
    return Mapping(steps, frozenset(program.placements), stays, program.cascades)


def read_mapping(path: str | os.PathLike[str], graph: Graph, hardware: Hardware) -> Mapping:
    """What the file at `path` fixes of a schedule of `graph` on `hardware`.

    Raises DescriptionError with every mistake and its `file:line:column`; UnsupportedModelError if
    nothing can run an operator of `graph`.
    """
    file = FilePath(path)
    size = len(graph.nodes) + len(graph.tensors)
    most_bytes = MAX_FILE_BYTES + _BYTES_PER_STEP * size
    text = read_text(file, str(file), most_bytes, "a mapping of this model")
    document = read_document(text, str(file), file.name, MAX_NODES + _VALUES_PER_STEP * size)
    if not document.data:
        raise DescriptionError(document.problems or Problem(f"{file}:1:1", "an empty file"))
    lowered = lower(graph, hardware, machine_of(hardware))
    checker = Checker(document, graph, hardware, lowered)
    mapping = checker.mapping()
    if checker.problems:
        raise DescriptionError(checker.sorted_problems())
    return mapping
