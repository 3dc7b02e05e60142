"""Mapping texts for tests: read from a file of their own, and random ones."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from npusim.errors import DescriptionError
from npusim.hardware import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.fixed import TILE_DIMS, Mapping, StepMapping
from npusim.schedule.mapping import read_mapping
from npusim.schedule.program import Program
from npusim.schedule.spaces import choices_of
from npusim.schedule.tables import ALIAS, ARRAY, HOST


def read(text: str, graph: Graph, hardware: Hardware) -> Mapping:
    """`read_mapping` of a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.yaml")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return read_mapping(path, graph, hardware)


def problems(text: str, graph: Graph, hardware: Hardware) -> list[tuple[str, str]]:
    """(line:column, what) of every mistake in `text`."""
    with pytest.raises(DescriptionError) as caught:
        read(text, graph, hardware)
    return [(p.where.split("m.yaml:")[-1], p.what) for p in caught.value.problems]


def with_random_weights(graph: Graph) -> Graph:
    """`graph` with constants that are not all zero."""
    rng = np.random.default_rng(0)
    tensors = {
        name: t if t.data is None
        else replace(t, data=rng.integers(-99, 99, t.shape).astype(t.format.dtype))
        for name, t in graph.tensors.items()
    }  # fmt: skip
    return replace(graph, tensors=tensors)


@st.composite
def step_mappings(draw: st.DrawFn, program: Program) -> Mapping:
    """Legal tiles and choices for some steps of `program`, which may not fit; few tiles a step."""
    hardware = program.hardware
    rules = hardware.mapping
    steps = {}
    for step in program.steps:
        if step.unit in (ALIAS, HOST) or draw(st.integers(0, 3)) == 0:
            continue
        tile: list[int | None] = []
        for dim, extent in zip(TILE_DIMS, step.nest.extents, strict=False):
            most = min(extent, rules.tile_max.get(dim, extent))
            multiple = rules.tile_multiple.get(dim, 1)
            if dim not in step.nest.splits:
                tile.append(extent)
                continue
            size = draw(st.integers(-(-most // 3), most))
            rounded = max(multiple, size // multiple * multiple)
            tile.append(draw(st.sampled_from([None, rounded if rounded <= extent else extent])))
        choices = choices_of(step.unit, hardware)
        on_array = step.unit == ARRAY
        steps[step.name] = StepMapping(
            tuple(tile),
            draw(st.sampled_from([None, *choices.loop_orders])),
            draw(st.sampled_from([None, *choices.dataflows])) if on_array else None,
            draw(st.sampled_from([None, *choices.core_splits])) if on_array else None,
        )
    return Mapping(steps)


def text_of(mapping: Mapping) -> str:
    """The mapping as a user would write it."""
    lines = ["npusim: mapping/1", "steps:"]
    for name, step in mapping.steps.items():
        sizes = ", ".join(
            f"{dim}: {size}" for dim, size in zip(TILE_DIMS, step.tile, strict=True) if size
        )
        lines += [f"- name: {name}", f"  tile: {{{sizes}}}"]
        for key in ("loop_order", "dataflow", "core_split"):
            if getattr(step, key) is not None:
                lines.append(f"  {key}: {getattr(step, key)}")
    return "\n".join(lines) if mapping.steps else lines[0]
