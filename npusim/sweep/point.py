"""One point of a space: its hardware, what a simulation says of it, or why it cannot be.

This is what workers run. They are sent numbers of points; the space with its models comes once.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from npusim.errors import (
    DescriptionError,
    DoesNotFitError,
    NpusimError,
    UnsupportedModelError,
)
from npusim.ir.passes.set_batch import with_batch
from npusim.report.totals import Totals, ratio, totals_of
from npusim.sweep.labelled import Accuracies, Labelled, labelled_of
from npusim.sweep.metrics import metric_names, metrics
from npusim.sweep.space import Space

if TYPE_CHECKING:
    from npusim.api import Model
    from npusim.hardware.schema import Hardware

OK, FAILED = "ok", "failed"
_STATUS: tuple[tuple[type[NpusimError], str], ...] = (
    (DoesNotFitError, "does not fit"),
    (DescriptionError, "description"),
    (UnsupportedModelError, "unsupported"),
    (NpusimError, "refused"),
)
STATUSES = (OK, *(name for _, name in _STATUS), FAILED)
"""`does not fit`: no tile fits; `description`: values that contradict each other; `unsupported`: an
operator that this hardware cannot run; `refused`: another mistake; `failed`: a bug of npusim."""

Row = tuple[Any, ...]
"""Number, key, status, reason (None where ok), the values of the axes, the metrics or None."""


@dataclass(frozen=True)
class Work:
    """A space with its models: all that a point needs. `identity` names what results depend on."""

    space: Space
    models: tuple[tuple[str, Model, float], ...]
    identity: str
    npusim: str
    """The version that the identity is of; a worker must have it too."""
    samples: tuple[Labelled, ...] = ()
    """Of each model, where accuracy is found."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The columns of a table that a point finds."""
        several = [] if self.space.varies_model else [name for name, _, _ in self.models]
        return metric_names(several, bool(self.samples))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table, after number, key, status and reason."""
        return (*self.space.paths, *self.metrics)


def work_of(space: Space) -> Work:
    """`space` with its models read. ModelFileError, UsageError where one cannot be."""
    from npusim import __version__, api

    models = tuple(
        (one.name, _batched(one.model or api.load_model(one.name), space.batch), one.weight)
        for one in space.models
    )
    samples = labelled_of(space, [model for _, model, _ in models])
    return Work(space, models, _identity(space, models, samples), __version__, samples)


def _batched(model: Model, batch: int | None) -> Model:
    return model if batch is None else replace(model, graph=with_batch(model.graph, batch))


def _identity(
    space: Space, models: Sequence[tuple[str, Model, float]], samples: Sequence[Labelled]
) -> str:
    from npusim import __version__

    stated = {
        "npusim": __version__,
        "hardware": space.variants.base.sha256,
        "models": [(model.graph.sha256, weight) for _, model, weight in models],
        "assume": space.assume,
        "batch": space.batch,
        "schedule": space.goal,
        "samples": [one.sha256 for one in samples],
    }
    return _sha256(stated)


def space_identity(work: Work) -> str:
    """What tells the tables of two spaces apart: axes, constraints, and all that a point has."""
    axes = [(axis.paths, axis.values) for axis in work.space.axes]
    texts = [constraint.text for constraint in work.space.constraints]
    names = [name for name, _, _ in work.models]
    return _sha256([work.identity, axes, texts, names])


def _sha256(stated: object) -> str:
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Evaluator:
    """Rows of a table, by the numbers of their points."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._weights = tuple(weight for _, _, weight in work.models)
        self._accuracies = tuple(map(Accuracies, work.samples))
        self._missing = (None,) * (len(work.columns) - len(work.space.paths))

    def row(self, number: int) -> Row:
        """The row of point `number`; never raises for what a point is."""
        space = self._work.space
        values = space.values(number)
        key = _sha256([self._work.identity, dict(zip(space.paths, values, strict=True))])
        try:
            return (number, key, OK, None, *values, *self._metrics(number))
        except NpusimError as error:
            status = next(name for kind, name in _STATUS if isinstance(error, kind))
            reason = "; ".join(map(str, error.problems))
        except Exception as error:
            status, reason = FAILED, f"a bug of npusim: {type(error).__name__}: {error}"
        return (number, key, status, reason, *values, *self._missing)

    def _metrics(self, number: int) -> tuple[float, ...]:
        space = self._work.space
        hardware = space.variants.hardware(space.given(number))
        values = space.values(number)
        assume, running = space.format_of(values), space.running(values)
        found, intervals, accuracies = [], [], []
        for at in running:
            total, interval_cycles, accuracy = self._figures(at, hardware, assume)
            found.append(total)
            intervals.append(interval_cycles)
            accuracies += accuracy
        inferences = (space.batch or 1) * hardware.clock_hz
        rates = [ratio(inferences, cycles) for cycles in intervals]
        return metrics(found, [self._weights[at] for at in running], rates, accuracies)

    def _figures(
        self, at: int, hardware: Hardware, assume: str | None
    ) -> tuple[Totals, float, list[float]]:
        """Of model number `at` its totals, the cycles between two batches, and its accuracy, if
        that is asked for."""
        from npusim import api

        _, model, _ = self._work.models[at]
        goal, pipelines = self._work.space.goal, hardware.mapping.pipeline
        if not (self._accuracies or pipelines):
            total = api.evaluate(model, hardware, goal, assume)
            return total, total.cycles, []
        from npusim.timing.counts import count
        from npusim.timing.pipeline import steady_interval_cycles

        program = api.schedule(model, hardware, None, goal, assume=assume)
        total = totals_of(program)
        interval_cycles = steady_interval_cycles(count(program)) if pipelines else total.cycles
        accuracy = [self._accuracies[at].of(program)] if self._accuracies else []
        return total, interval_cycles, accuracy


_INSTALLED: dict[str, Evaluator] = {}
_ALONE = threading.Lock()
"""Workers with several threads take turns: a point is Python for the most part."""


def install(identity: str, work: Work) -> None:
    """Let `evaluate` of this process know the space `identity`; it forgets the one before."""
    from npusim import __version__

    if work.npusim != __version__:
        raise RuntimeError(f"a worker has npusim {__version__}, the sweep npusim {work.npusim}")
    _INSTALLED.clear()
    _INSTALLED[identity] = Evaluator(work)


def evaluate(
    identity: str, numbers: Sequence[int], work: bytes | None = None
) -> tuple[list[Row], float] | None:
    """The rows of points `numbers` of the space `identity`, and the seconds that they took.

    None if this process does not know that space: then ask again with the pickled `work`.
    """
    with _ALONE:
        if identity not in _INSTALLED:
            if work is None:
                return None
            install(identity, pickle.loads(work))
        evaluator = _INSTALLED[identity]
        start = time.perf_counter()
        rows = [evaluator.row(number) for number in numbers]
        return rows, time.perf_counter() - start
