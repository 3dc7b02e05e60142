"""A design space: a hardware, the fields that vary, what they must meet, and what is asked of it.

A point is its number in the grid of all axes, the last axis counting fastest; so a point keeps its
number whatever sample of the space is looked at, and a number is all that a worker is sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from npusim.errors import Problem, UsageError
from npusim.hardware.variants import Variants
from npusim.sweep import samples
from npusim.sweep.axis import ASSUME, MODEL, NO_FIELDS, Axis, Value
from npusim.sweep.constraints import Constraint, ConstraintError
from npusim.sweep.objectives import ACCURACY, OF

if TYPE_CHECKING:
    from npusim.api import Model

MOST_POINTS = 2**62
"""Numbers of points are 64-bit integers."""
MOST_MISSES = 1_000_000
"""Points in a row that constraints exclude, after which a sample gives up."""
MOST_COUNTED = 100_000
"""Points whose constraints are looked at before the sweep, to know how many there are."""
SHARD_POINTS = 64
"""Points in a row that a shard takes, so that neighbours share work."""
METHODS = ("grid", "random", "lhs", "optuna", "optuna-tpe")


@dataclass(frozen=True)
class Sample:
    """Which points are looked at; `count` is None for a grid. `method` is one of METHODS."""

    method: str = "grid"
    count: int | None = None
    seed: int = 0

    @property
    def is_search(self) -> bool:
        """Whether points are chosen by what was found at others."""
        return self.method.startswith("optuna")

    def __str__(self) -> str:
        return self.method if self.count is None else f"{self.method}:{self.count}"


@dataclass(frozen=True)
class Share:
    """A model of a space, and how often it runs beside the others."""

    name: str
    weight: float = 1.0
    model: Model | None = None
    """The model itself, where a caller from Python has it."""
    inputs: str | None = None
    labels: str | None = None
    """Files (`.npz`) of samples and their classes; both, or none."""


@dataclass(frozen=True)
class Space:
    """See `npusim.sweep.build.space_of`, which checks all of it.

    `goal` is what schedules are chosen for, `objectives` are the columns of the front. `assume` is
    the number format of float models, unless it is an axis. All `models` run at each point; where
    the model is an axis, they are its values. `inputs` and `labels` are files of samples for models
    that name none.
    """

    hardware: str
    variants: Variants
    axes: tuple[Axis, ...]
    constraints: tuple[Constraint, ...] = ()
    models: tuple[Share, ...] = ()
    assume: str | None = None
    batch: int | None = None
    objectives: tuple[str, ...] = ("latency_s", "energy_j", "area_mm2")
    inputs: str | None = None
    labels: str | None = None
    goal: str = "latency"
    sample: Sample = field(default_factory=Sample)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Values of each axis."""
        return tuple(map(len, self.axes))

    @property
    def size(self) -> int:
        """Points of the whole grid, whatever constraints say."""
        return math.prod(self.lengths)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The fields that vary: the columns of a table."""
        return tuple(path for axis in self.axes for path in axis.paths)

    @property
    def units(self) -> dict[str, str]:
        """The unit of each field that has one: its values in a table are in it."""
        return {
            path: unit
            for axis in self.axes
            for path, unit in zip(axis.paths, axis.units, strict=True)
            if unit is not None
        }

    @property
    def assumes(self) -> bool:
        """Whether float models are counted in a format that they do not have."""
        return self.assume is not None or ASSUME in self.paths

    @property
    def finds_accuracy(self) -> bool:
        """Whether models are executed on labelled samples."""
        kinds = {name.partition(OF)[0] for name in self.objectives}
        return ACCURACY in kinds or any(
            name is not None for name in (self.inputs, *(share.inputs for share in self.models))
        )

    @property
    def varies_model(self) -> bool:
        """Whether the model is an axis: then one of `models` runs at a point, else all of them."""
        return MODEL in self.paths

    def running(self, values: tuple[Value, ...]) -> range:
        """Which of `models` run at a point with `values`."""
        if not self.varies_model:
            return range(len(self.models))
        name = values[self.paths.index(MODEL)]
        at = [share.name for share in self.models].index(str(name))
        return range(at, at + 1)

    def places(self, number: int) -> tuple[int, ...]:
        """For each axis, which of its values point `number` has."""
        found = []
        for length in reversed(self.lengths):
            number, place = divmod(number, length)
            found.append(place)
        return tuple(reversed(found))

    def number(self, places: tuple[int, ...]) -> int:
        """The inverse of `places`."""
        number = 0
        for place, length in zip(places, self.lengths, strict=True):
            number = number * length + place
        return number

    def values(self, number: int) -> tuple[Value, ...]:
        """The value of each of `paths` at point `number`, in base units."""
        chosen = zip(self.axes, self.places(number), strict=True)
        return tuple(value for axis, place in chosen for value in axis.values[place])

    def given(self, number: int) -> dict[str, Any]:
        """The fields of point `number`, as a description or `--set` would state them."""
        return {
            path: value
            for axis, place in zip(self.axes, self.places(number), strict=True)
            for path, value in zip(axis.paths, axis.given[place], strict=True)
            if path not in NO_FIELDS
        }

    def format_of(self, values: tuple[Value, ...]) -> str | None:
        """The number format that a point with `values` counts float models in."""
        for path, value in zip(self.paths, values, strict=True):
            if path == ASSUME:
                return None if value is None else str(value)
        return self.assume

    def allows(self, number: int) -> bool:
        """Whether point `number` meets all constraints."""
        if not self.constraints:
            return True
        values = self.values(number)
        for constraint in self.constraints:
            try:
                if not constraint.holds(values):
                    return False
            except ConstraintError as error:
                raise UsageError(Problem(f"constraint {constraint.text}", str(error))) from None
        return True

    def points(self, shard: tuple[int, int] = (1, 1)) -> Iterator[int]:
        """The numbers of the sample, without those that constraints exclude; of `shard` (i, n) the
        i-th of n parts.

        UsageError if constraints leave none, or too few to be found by drawing.
        """
        part, parts = shard
        for index, number in enumerate(self._sampled()):
            if index // SHARD_POINTS % parts == part - 1:
                yield number

    def count(self, shard: tuple[int, int] = (1, 1)) -> int | None:
        """How many points there are, or at most are; None where that takes long to find out."""
        allowed = self.size
        if self.constraints and not self.sample.is_search:
            if self.size > MOST_COUNTED or self.sample.method == "lhs":
                return None
            allowed = sum(map(self.allows, range(self.size)))
        points = min(self.sample.count or allowed, allowed)
        part, parts = shard
        rounds, rest = divmod(points, SHARD_POINTS * parts)
        last = min(max(rest - (part - 1) * SHARD_POINTS, 0), SHARD_POINTS)
        return rounds * SHARD_POINTS + last

    def _sampled(self) -> Iterator[int]:
        sample = self.sample
        if sample.method == "random":
            drawn = samples.random(self.lengths, sample.seed)
        elif sample.method == "lhs" and sample.count is not None:
            drawn = samples.latin_hypercube(self.lengths, sample.seed, sample.count)
        else:
            drawn = samples.grid(self.lengths)
        found, missed = 0, 0
        for number in drawn:
            if self.allows(number):
                found, missed = found + 1, 0
                yield number
                if sample.method == "random" and found == sample.count:
                    return
            else:
                missed += 1
                if sample.method == "random" and missed == MOST_MISSES:
                    break
        if not found or missed == MOST_MISSES:
            texts = "; ".join(constraint.text for constraint in self.constraints)
            what = f"exclude all of {missed} points" if not found else (
                f"leave {found} points, and {missed} drawn in a row after them are excluded"
            )  # fmt: skip
            raise UsageError(Problem("constraints", f"{texts}: {what}"))
