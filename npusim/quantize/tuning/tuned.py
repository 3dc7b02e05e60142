"""What a search for precisions found: points that were executed, and their front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from npusim.errors import DoesNotFitError, Problem
from npusim.quantize.on_hardware import Measured
from npusim.quantize.tuning.candidates import Candidate
from npusim.quantize.tuning.measured_front import front_of
from npusim.quantize.tuning.table import Front, Table
from npusim.report.shown import Shown, finite

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from npusim.ir.graph import Graph
    from npusim.report.plots.style import Plot

SCHEMA = "npusim.tune-precision/1"
EVERYWHERE = "everywhere"
"""Who proposed a point that has one format in all units."""


@dataclass(frozen=True)
class Point:
    """An assignment (a candidate's number a unit), who proposed it, and what it measures.

    `everywhere` names the format that all units have, where the point was tried for that.
    """

    how: str
    assignment: tuple[int, ...]
    measured: Measured
    everywhere: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Tuned(Shown):
    """The points of a search, and the table that proposed them; `lacking` are sentences."""

    model: str
    hardware: str
    quality: str
    against: str
    table: Table
    candidates: tuple[Candidate, ...]
    lacking: tuple[str, ...]
    points: tuple[Point, ...]
    exact: Front
    greedy: Front
    made: Callable[[Sequence[int]], Graph]

    @property
    def front(self) -> tuple[Point, ...]:
        """Points that no other one beats in quality and cost, as measured; cheapest first."""
        measured = [point.measured for point in self.points]
        return tuple(self.points[at] for at in front_of(measured, self.quality, self.against))

    def cheapest(self, least: float) -> Point:
        """The cheapest point of the front whose quality is `least` or more.

        DoesNotFitError if there is none, with the best there is.
        """
        for point in self.front:
            if point.measured.quality(self.quality) >= least:
                return point
        best = max(point.measured.quality(self.quality) for point in self.front)
        what = f"no assignment has {self.quality} {least:g} or more; the best has {best:.4g}"
        raise DoesNotFitError(Problem("--least", what))

    def graph(self, point: Point) -> Graph:
        """The float model in the formats of `point`."""
        return self.made(point.assignment)

    def everywhere(self, name: str) -> Point | None:
        """The point that has one format everywhere."""
        return next((one for one in self.points if one.everywhere == name), None)

    def formats(self, point: Point) -> dict[str, str]:
        """The format of each layer with weights, by name."""
        names = (self.candidates[at].name for at in point.assignment)
        return dict(zip(self.table.layers, names, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The document of `tune-precision --json`; what has no finite number is null."""
        kept = set(map(id, self.front))
        return {
            "schema": SCHEMA, "model": self.model, "hardware": self.hardware,
            "quality": self.quality, "against": self.against,
            "formats": [
                {"name": one.name, "runs_as": one.runs_as, "widened": one.is_widened}
                for one in self.candidates
            ],
            "lacking": list(self.lacking),
            "layers": [
                {"name": layer, "noise": _numbers(noise), "cost": _numbers(cost)}
                for layer, noise, cost in zip(
                    self.table.layers, self.table.noises, self.table.costs, strict=True
                )
            ],
            "points": [
                {
                    "proposed_by": point.how, "on_front": id(point) in kept,
                    "formats": self.formats(point), **finite(asdict(point.measured)),
                }
                for point in self.points
            ],
        }  # fmt: skip

    def plot(self) -> Plot:
        """Quality over cost of every point, and their front; needs matplotlib (extra `plot`)."""
        from npusim.report.plots import require_matplotlib

        require_matplotlib()
        from npusim.quantize.tuning.plot import figure

        return figure(self)

    def __repr__(self) -> str:
        return f"<Tuned {self.model} on {self.hardware}: {len(self.front)} points on the front>"

    def print(self, console: Console) -> None:
        """Print the tables of `npusim tune-precision`."""
        from npusim.quantize.tuning.printed import print_tuned

        print_tuned(self, console)


def _numbers(row: np.ndarray) -> list[float]:
    return [float(x) for x in row]
