"""The ranking of tilings: its first is what the search finds, and the rest are the next best."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim import api
from npusim.schedule.mapping import mapping_of, step_mapping
from npusim.schedule.ranking import least, ranked_tilings
from npusim.schedule.scheduler import build_program
from npusim.schedule.search import best_tiling
from npusim.schedule.tables import ALIAS, HOST
from npusim.timing.counts import latency_cycles
from tests.schedule.test_search import OBJECTIVES, Case, cases, value


def all_values(case: Case, objective: object) -> list[float]:
    row = np.array([case.row])[0]
    found = []
    for (b, oy, ox), g, k, c, dataflow, order, split in itertools.product(*case.space[:7]):
        sizes = {"b": b, "oy": oy, "ox": ox, "g": g, "k": k, "c": c}
        for name, size in sizes.items():
            row[f"tile_{name}"] = size
        row["dataflow"], row["order"], row["split"] = dataflow, order, split
        found.append(value(case, row, objective))
    return sorted(cost for cost in found if np.isfinite(cost))


@settings(max_examples=20)
@given(cases(), st.sampled_from(OBJECTIVES), st.integers(1, 6))
def test_the_best_few_are_those_of_a_full_enumeration(case, objective, most):
    row = np.array([case.row])[0]
    kept = least(row, case.operands, case.machine, case.space, objective, most)
    costs = kept[np.isfinite(kept[:, 0]), 0]
    expected = all_values(case, objective)[:most]
    assert costs == pytest.approx(expected, rel=1e-12)
    if expected:
        again = np.array([case.row])[0]
        found = best_tiling(again, case.operands, case.machine, case.space, objective)
        assert costs[0] == pytest.approx(found.cost, rel=1e-12)


def test_ranked_tilings_are_different_and_legal():
    program = api.schedule("digits", "edge-npu-1")
    for at, step in enumerate(program.steps):
        if step.unit in (ALIAS, HOST):
            continue
        ranked = ranked_tilings(program, at, 8)
        assert ranked
        assert len(set(ranked)) == len(ranked)
        extents = dict(zip("BGKC", step.nest.extents, strict=False))
        assert all(1 <= one.size(dim) <= extents[dim] for one in ranked for dim in "BGKC")


def test_a_mapping_of_a_program_gives_it_again():
    program = api.schedule("digits", "edge-npu-1")
    fixed = mapping_of(program)
    again = build_program(program.graph, program.hardware, latency_cycles, mapping=fixed)
    assert latency_cycles(again) == latency_cycles(program)
    for at, step in enumerate(program.steps):
        if step.unit not in (ALIAS, HOST):
            assert step_mapping(again, at) == step_mapping(program, at)
