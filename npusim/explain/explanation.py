"""One explanation: of a network, or of one of its layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from npusim import api
from npusim.errors import DoesNotFitError, Problem, UsageError, nearest_name
from npusim.explain.changes import Change, changes_of
from npusim.explain.losses import Loss, losses_of
from npusim.explain.tilings import Tiling, tilings_of
from npusim.explain.words import layer_words, network_words
from npusim.hardware.schema import Hardware
from npusim.report.report import Report
from npusim.report.types import Layer
from npusim.schedule.program import Program
from npusim.schedule.tables import ALIAS, HOST

SCHEMA = "npusim.explain/1"


@dataclass(frozen=True)
class Effect:
    """A change of one field, and what the whole network costs with it; ratios to before.

    `layer` is the ratio of the explained layer's cycles x period, None for a network or where the
    layer takes no time.
    """

    path: str
    before: str
    after: str
    latency: float
    energy: float
    area: float
    layer: float | None


@dataclass(frozen=True)
class Explanation:
    """Why `report` is as it is. `layer` is the explained one; None: the whole network.

    `tilings` starts with the chosen one; empty for a network, a layer that has none, and where
    steps share a name. `effects` are sorted by what they bring; `unfit` are the changes under
    which the network does not fit.
    """

    report: Report
    layer: Layer | None
    words: tuple[str, ...]
    losses: tuple[Loss, ...]
    tilings: tuple[Tiling, ...]
    effects: tuple[Effect, ...]
    unfit: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document of `explain --json`."""
        report = self.report
        return {
            "schema": SCHEMA,
            "npusim": report.npusim,
            "model": {"name": report.model.name, "sha256": report.model.sha256},
            "hardware": {"name": report.hardware.name, "sha256": report.hardware.sha256},
            "total": {"cycles": report.total.cycles, "latency_s": report.total.latency_s},
            "layer": None if self.layer is None else asdict(self.layer),
            "words": list(self.words),
            "losses": [asdict(loss) for loss in self.losses],
            "tilings": [asdict(tiling) for tiling in self.tilings],
            "changes": [asdict(effect) for effect in self.effects],
            "changes_that_do_not_fit": list(self.unfit),
        }


def explain(
    model: api.Model | str,
    hw: Hardware | str,
    layer: str | None = None,
    batch: int | None = None,
    objective: str = "latency",
    assume: str | None = None,
) -> Explanation:
    """Why `model`, or its layer `layer` (a name in the report), costs what it costs on `hw`.

    `batch`, `objective` and `assume` are those of `api.schedule`. UsageError with the nearest name
    if there is no such layer.
    """
    hardware = api.load_hardware(hw) if isinstance(hw, str) else hw
    loaded = api.load_model(model) if isinstance(model, str) else model
    program = api.schedule(loaded, hardware, batch, objective, assume=assume)
    report = api.report_of(program, batch, objective)
    chosen = None if layer is None else _layer(report, layer)

    def repeat(other: Hardware) -> Report:
        return api.simulate(loaded, other, batch, objective, assume=assume)

    effects, unfit = _effects(hardware, report, chosen, repeat)
    if chosen is None:
        words = network_words(report, program.machine)
        losses = losses_of(
            report.total.cycles_by_cause, report.total.utilization * report.total.cycles
        )
        return Explanation(report, None, words, losses, (), effects, unfit)
    words = layer_words(report, chosen, hardware, program.machine)
    busy = max(chosen.cycles, chosen.array_busy_cycles)
    losses = losses_of(chosen.cycles_by_cause, chosen.utilization * busy)
    return Explanation(report, chosen, words, losses, _tilings(program, chosen), effects, unfit)


def _layer(report: Report, name: str) -> Layer:
    """The layer called `name`, or the only one whose name has it as a part."""
    exact = [layer for layer in report.layers if layer.name == name]
    parts = [layer for layer in report.layers if name in layer.name]
    if exact or len(parts) == 1:
        return (exact or parts)[0]
    names = tuple(layer.name for layer in report.layers)
    if parts:
        some = ", ".join(f"'{layer.name}'" for layer in parts[:5])
        what = f"'{name}' is a part of {len(parts)} layers' names: {some}"
    else:
        some = ", ".join(f"'{one}'" for one in names[:5])
        what = f"there is no layer '{name}'{nearest_name(name, names)}; the first ones are {some}"
    raise UsageError(Problem("--layer", what))


def _tilings(program: Program, layer: Layer) -> tuple[Tiling, ...]:
    steps = enumerate(program.steps)
    found = [at for at, s in steps if s.name == layer.name and s.unit not in (ALIAS, HOST)]
    return tilings_of(program, found[0]) if len(found) == 1 else ()


def _effects(
    hardware: Hardware, report: Report, layer: Layer | None, repeat: Callable[[Hardware], Report]
) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """What every change brings, best first, and those under which the network does not fit."""
    found, unfit = [], []
    for change in changes_of(hardware):
        try:
            other = repeat(change.hardware)
        except DoesNotFitError:
            unfit.append(f"{change.path} {change.after}")
            continue
        found.append(_effect(change, report, other, layer))
    return tuple(sorted(found, key=_brings)), tuple(unfit)


def _brings(effect: Effect) -> tuple[float, float]:
    """What effects are sorted by: the layer where there is one, then the network."""
    return effect.latency if effect.layer is None else effect.layer, effect.latency


def _effect(change: Change, before: Report, after: Report, layer: Layer | None) -> Effect:
    ratio = None
    if layer is not None and layer.cycles > 0:
        seconds = sum(x.cycles for x in after.layers if x.name == layer.name)
        seconds /= after.hardware.clock_hz
        ratio = seconds * before.hardware.clock_hz / layer.cycles
    return Effect(
        change.path, change.before, change.after,
        after.total.latency_s / before.total.latency_s,
        after.total.energy_j / before.total.energy_j,
        after.total.area_mm2 / before.total.area_mm2,
        ratio,
    )  # fmt: skip
