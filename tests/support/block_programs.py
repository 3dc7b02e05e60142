"""Random Programs of networks that are made of equal blocks."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from npusim.errors import DoesNotFitError
from npusim.hardware.schema import Hardware
from npusim.models.builder import Builder, Value
from npusim.schedule.program import Program, Step
from npusim.schedule.tables import ARRAY, VECTOR
from tests.support.machines import machines
from tests.support.programs import program_of

OPERATORS = ("pointwise", "conv", "depthwise", "pool", "add")
_TILED = ("b", "g", "k", "c", "oy", "ox")


@st.composite
def programs_of_blocks(
    draw: st.DrawFn, hardware: st.SearchStrategy[Hardware] | None = None
) -> Program:
    """Alike steps mostly have the same tiles, orders, buffers and prefetches: random but legal."""
    build = Builder("blocks", same_padding=True)
    side = draw(st.integers(1, 10))
    x = build.input("x", draw(st.integers(1, 2)), side, side, draw(st.integers(1, 12)))
    operators = draw(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=4))
    for at in range(draw(st.integers(3, 8))):
        x = _block(build, x, f"block{at}", operators)
    try:
        program = program_of(build.graph(x), draw(machines() if hardware is None else hardware))
    except DoesNotFitError:
        assume(False)
        raise
    table = program.table.copy()
    alike: dict[object, dict[str, int]] = {}
    sums = draw(st.sampled_from([1, 2]))
    for at, step in enumerate(program.steps):
        if step.unit in (ARRAY, VECTOR):
            if (step.unit, step.nest) not in alike or draw(st.integers(0, 9)) == 0:
                alike[step.unit, step.nest] = _columns(draw, table[at], step)
            for name, value in alike[step.unit, step.nest].items():
                table[at][name] = value
            table[at]["buffers_sums"] = sums
            table[at]["prefetch"] *= at > 0
    return dataclasses.replace(program, table=table)


def _block(build: Builder, x: Value, name: str, operators: list[str]) -> Value:
    y = x
    for n, operator in enumerate(operators):
        own = f"{name}.{operator}{n}"
        if operator == "pointwise":
            y = build.conv(y, own, x.shape[3])
        elif operator == "conv":
            y = build.conv(y, own, x.shape[3], 3)
        elif operator == "depthwise":
            y = build.depthwise(y, own)
        elif operator == "pool":
            y = build.max_pool(y, own, 3, 1)
        else:
            y = build.add(y, x, own)
    return y


def _columns(draw: st.DrawFn, row: np.void, step: Step) -> dict[str, int]:
    columns = {
        f"tile_{name}": draw(st.integers(1, int(row[name])))
        for name in _TILED
        if name.upper() in step.nest.splits
    }
    if row["dataflow"] == 1 and step.unit == ARRAY:
        columns["tile_c"] = int(row["c"])
    if step.unit == ARRAY:
        columns["order"] = draw(st.sampled_from([0, 1]))
    for stream in ("weights", "inputs", "outputs"):
        columns[f"buffers_{stream}"] = draw(st.sampled_from([1, 2]))
    return columns | {"prefetch": draw(st.sampled_from([0, 1]))}
