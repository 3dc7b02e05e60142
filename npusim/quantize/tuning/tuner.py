"""The search: measure every unit alone, search the additive model, believe only what was run.

1. noise of each unit in each format, alone, by executing it (`sensitivity.py`);
2. cost of each unit in each format, from the hardware's simulator (`costs.py`);
3. assignments: the exact front of the additive model, the greedy path, each format everywhere, and
   on the front those that have less noise for its cost, and as little noise for less;
4. each of them as a whole network, executed and simulated on the hardware
   (`npusim/quantize/on_hardware.py`). The front that is told is that of these measurements.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npusim import api
from npusim.errors import Problem, UsageError, nearest_name
from npusim.ir.graph import Graph
from npusim.quantize.calibration import Calibration, calibrate
from npusim.quantize.judging import Reference, agreement_between
from npusim.quantize.on_hardware import Judge
from npusim.quantize.post_training import prepared
from npusim.quantize.quantized import quantized_graph
from npusim.quantize.tuning.candidates import Candidate, candidates_for
from npusim.quantize.tuning.costs import AGAINST, objective_for, uniform_costs
from npusim.quantize.tuning.exact import exact_front
from npusim.quantize.tuning.greedy import greedy_front
from npusim.quantize.tuning.sensitivity import Progress, measured_noises
from npusim.quantize.tuning.table import Front, Table
from npusim.quantize.tuning.tuned import EVERYWHERE, Point, Tuned
from npusim.quantize.tuning.units import Unit, scheme_of, units_of

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware

Arrays = Mapping[str, np.ndarray]

QUALITIES = ("sqnr", "agreement", "accuracy")
PROBES = 16
"""Samples that noises are measured on, of those that assignments are judged by."""
POINTS = 12
"""Assignments of the exact front, and of the greedy path, that are executed."""


@dataclass(frozen=True)
class Wish:
    """What is asked for: `quality` of QUALITIES against a cost of AGAINST.

    `points` assignments of each search are executed; noises of layers are measured on `probes`
    samples.
    """

    quality: str = "sqnr"
    against: str = "energy"
    points: int = POINTS
    range_method: str = "minmax"
    probes: int = PROBES

    def problems(self, labelled: bool) -> list[Problem]:
        """What is wrong with it."""
        found = []
        for option, value, known in (
            ("--quality", self.quality, QUALITIES), ("--against", self.against, AGAINST),
        ):  # fmt: skip
            if value not in known:
                what = f"unknown '{value}'{nearest_name(value, known)}: {', '.join(known)}"
                found.append(Problem(option, what))
        if self.quality == "accuracy" and not labelled:
            found.append(Problem("--quality", "accuracy needs labels"))
        for option, many in (("--points", self.points), ("--probes", self.probes)):
            if many < 1:
                found.append(Problem(option, f"{many}: one or more"))
        return found


def tune_precision(
    model: api.Model | str | os.PathLike[str],
    hw: Hardware | str | os.PathLike[str],
    calibration: Arrays,
    formats: Sequence[str] = (),
    wish: Wish = Wish(),
    judged_on: Arrays | None = None,
    labels: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Formats for each layer of a float `model` on `hw`: a front of quality against cost.

    `calibration` holds samples by the names of the model's inputs (N times as many rows as one
    inference has), `judged_on` those that quality is measured on (by default the same), `labels`
    int [N] belong to these. `formats` are names of schemes (`w8a8`, `w4a8`, `fp8-e4m3`, ...); those
    that the array of `hw` lacks are left out and named in the result.
    """
    problems = wish.problems(labels is not None)
    if problems:
        raise UsageError(problems)
    hardware = hw if not isinstance(hw, str | os.PathLike) else api.load_hardware(hw)
    candidates, lacking = candidates_for(hardware, formats)
    graph = prepared(model)
    seen = calibrate(graph, list(api.inferences(graph, calibration)))
    judged = calibration if judged_on is None else judged_on
    samples = list(api.inferences(graph, judged))
    expected = Reference(graph, samples).outputs
    if wish.quality == "agreement" and agreement_between(expected, expected, len(samples)) is None:
        what = "agreement needs a first output of several numbers; take sqnr"
        raise UsageError(Problem("--quality", what))
    search = _Search(graph, hardware, seen, wish, units_of(graph), candidates)
    table = search.table(samples, progress)
    exact, greedy = exact_front(table), greedy_front(table)
    judge = Judge(judged, len(samples), expected, labels)
    points = search.points(table, exact, greedy, judge)
    return Tuned(
        graph.name, hardware.name, wish.quality, wish.against, table, candidates, lacking, points,
        exact, greedy, search.made,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Search:
    graph: Graph
    hardware: Hardware
    seen: Calibration
    wish: Wish
    units: tuple[Unit, ...]
    candidates: tuple[Candidate, ...]

    def table(self, samples: Sequence[Arrays], progress: Progress | None) -> Table:
        """The additive model."""
        step = max(1, len(samples) // self.wish.probes)
        reference = Reference(self.graph, samples[::step][: self.wish.probes])
        method = self.wish.range_method
        names = tuple(candidate.name for candidate in self.candidates)
        return Table(
            tuple(unit.name for unit in self.units),
            (names,) * len(self.units),
            measured_noises(
                self.graph, self.seen, method, reference, self.units, self.candidates, progress
            ),
            uniform_costs(
                self.graph, self.seen, method, self.hardware, self.units, self.candidates,
                self.wish.against,
            ),
        )  # fmt: skip

    def points(self, table: Table, exact: Front, greedy: Front, judge: Judge) -> tuple[Point, ...]:
        """Every assignment that is tried, executed; by whom it was proposed."""
        proposed: dict[tuple[int, ...], str] = {}
        names: dict[tuple[int, ...], str] = {}
        rivals: list[int] = []
        for number, candidate in enumerate(self.candidates):
            everywhere = (number,) * len(self.units)
            proposed[everywhere] = EVERYWHERE
            names[everywhere] = candidate.name
            rivals += exact.rivals_of(table.noise_of(everywhere), table.cost_of(everywhere))
        few = self.wish.points
        tried = {"exact": spread(exact, few) + rivals, "greedy": spread(greedy, few)}
        for name, front in (("exact", exact), ("greedy", greedy)):
            for at in tried[name]:
                proposed.setdefault(tuple(int(x) for x in front.assignments[at]), name)
        return tuple(
            Point(
                how,
                assignment,
                judge.measured(self.made(assignment), self.hardware, self.goal),
                names.get(assignment),
            )
            for assignment, how in proposed.items()
        )

    @property
    def goal(self) -> str:
        """What schedules are chosen for."""
        return objective_for(self.wish.against)

    def made(self, assignment: Sequence[int]) -> Graph:
        """The graph with one candidate a unit."""
        formats = [self.candidates[at].formats for at in assignment]
        return quantized_graph(
            self.graph, scheme_of(self.units, formats), self.seen, self.wish.range_method
        )


def spread(front: Front, many: int) -> list[int]:
    """At most `many` indices of `front`, both ends among them, evenly over the noise in dB."""
    last = len(front) - 1
    if last < many:
        return list(range(last + 1))
    levels = np.log(np.maximum(front.noises, np.finfo(np.float64).tiny))
    wanted = np.linspace(levels[0], levels[last], max(many, 1))
    return sorted({int(np.abs(levels - level).argmin()) for level in wanted})
