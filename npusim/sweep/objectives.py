"""What a design is judged by: names of columns, their units, and which way is better.

A column holds one number a point; NaN where the point is infeasible. All functions that read a
sweep (front, knee) work on costs: less is better, so what is maximised is negated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from npusim.errors import Problem, UsageError, nearest_name
from npusim.report.quantities import BYTES, ENERGY_J, POWER_W, TIME_S, Scale

Floats: TypeAlias = NDArray[np.float64]


def _plain(unit: str) -> tuple[Scale, ...]:
    return (Scale(unit, 1.0),)


@dataclass(frozen=True)
class Objective:
    """A column of a sweep that can be optimised.

    `name` carries the base unit, `label` is for readers, `scales` are the units to show it in.
    """

    name: str
    label: str
    scales: tuple[Scale, ...]
    maximised: bool = False


ACCURACY = "accuracy"
"""The one that only labelled samples give."""
OBJECTIVES: Mapping[str, Objective] = {
    one.name: one
    for one in (
        Objective("latency_s", "latency", TIME_S),
        Objective("first_inference_s", "first inference", TIME_S),
        Objective("energy_j", "energy", ENERGY_J),
        Objective("edp_js", "energy-delay product", (Scale("mJ ms", 1e-6), Scale("uJ ms", 1e-9))),
        Objective("average_power_w", "average power", POWER_W),
        Objective("area_mm2", "area", _plain("mm2")),
        Objective("dram_bytes", "DRAM traffic", BYTES),
        Objective("sram_peak_bytes", "SRAM peak", BYTES),
        Objective("throughput_ips", "throughput", _plain("/s"), True),
        Objective("tops_effective", "performance", _plain("TOPS"), True),
        Objective("tops_per_watt", "efficiency", _plain("TOPS/W"), True),
        Objective("tops_per_mm2", "performance per area", _plain("TOPS/mm2"), True),
        Objective("utilization", "utilization", (Scale("%", 1e-2),), True),
        Objective(ACCURACY, "accuracy", (Scale("%", 1e-2),), True),
    )
}


OF = " of "
"""Between an objective and the model that it is of, where a sweep has several."""


def objective_of(name: str) -> Objective:
    """The objective called `name`, also of one of several models: `latency_s of resnet-50`.

    UsageError with the known names if there is none.
    """
    kind, _, model = name.partition(OF)
    if kind not in OBJECTIVES:
        known = list(OBJECTIVES)
        what = f"unknown objective '{kind}'{nearest_name(kind, known)}; known: {', '.join(known)}"
        raise UsageError(Problem("objective", what))
    found = OBJECTIVES[kind]
    return replace(found, name=name, label=f"{found.label}{OF}{model}") if model else found


def costs_of(columns: Mapping[str, Floats], names: Sequence[str]) -> Floats:
    """Costs [points, objectives] of the objectives `names`: what is maximised is negated.

    UsageError for an unknown objective, one that is given twice or that the sweep has no column of.
    """
    if not names:
        raise UsageError(Problem("objective", "none is given"))
    if len(set(names)) < len(names):
        raise UsageError(Problem("objective", f"one is given twice: {' '.join(names)}"))
    chosen = [objective_of(name) for name in names]
    absent = [one.name for one in chosen if one.name not in columns]
    if absent:
        raise UsageError(Problem("objective", f"this sweep has no {', '.join(absent)}"))
    signed = [-columns[one.name] if one.maximised else columns[one.name] for one in chosen]
    return np.stack([np.asarray(column, np.float64) for column in signed], axis=1)


def feasible(costs: Floats) -> NDArray[np.bool_]:
    """[points] whether every cost of the point is a finite number."""
    return np.asarray(np.isfinite(costs).all(axis=1))
