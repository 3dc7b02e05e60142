"""What changed between two reports: in total, by cause, and layer by layer.

Layers are matched by name, the n-th of a name with the n-th. Time is compared in seconds, since the
two clocks may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from npusim.report.saved import Saved, SavedLayer
from npusim.report.types import Findings, Layer

Side: TypeAlias = Saved | Findings
"""A report that is compared: saved, or as it was found."""

SCHEMA = "npusim.diff/1"
METRICS = (
    "latency_s", "first_inference_s", "throughput_ips", "tops_effective", "utilization", "energy_j",
    "average_power_w", "tops_per_watt", "area_mm2", "dram_read_bytes", "dram_write_bytes",
    "sram_read_bytes", "sram_write_bytes", "sram_peak_bytes",
)  # fmt: skip
"""Totals that are compared; names carry their unit."""


@dataclass(frozen=True)
class Delta:
    """One figure before and after; None where one of the reports lacks it."""

    name: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float:
        """After minus before; what is absent counts as 0."""
        return (self.after or 0.0) - (self.before or 0.0)

    @property
    def ratio(self) -> float | None:
        """After / before; None without a before."""
        return (self.after or 0.0) / self.before if self.before else None


@dataclass(frozen=True)
class LayerDelta:
    """One layer: seconds before and after, and the cause that changed most with its seconds.

    `causes_s` and `parts_j` add up to `time_s` and `energy_j`; the largest change comes first.
    """

    time_s: Delta
    op: str
    energy_j: Delta
    cause: str
    cause_s: float
    causes_s: tuple[Delta, ...]
    parts_j: tuple[Delta, ...]


@dataclass(frozen=True)
class Difference:
    """Two reports compared. `differing` says in words what else is not the same."""

    before: Side
    after: Side
    differing: tuple[str, ...]
    totals: tuple[Delta, ...]
    causes_s: tuple[Delta, ...]
    parts_j: tuple[Delta, ...]
    layers: tuple[LayerDelta, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document of `diff --json`."""
        sides = {
            side: {"model": saved.model.name, "hardware": saved.hardware.name, "batch": saved.batch,
                   "objective": saved.objective, "npusim": saved.npusim}
            for side, saved in (("before", self.before), ("after", self.after))
        }  # fmt: skip
        return {
            "schema": SCHEMA,
            **sides,
            "differing": list(self.differing),
            "total": [asdict(delta) for delta in self.totals],
            "cause_s": [asdict(delta) for delta in self.causes_s],
            "part_j": [asdict(delta) for delta in self.parts_j],
            "layers": [asdict(layer) for layer in self.layers],
        }


def difference(before: Side, after: Side) -> Difference:
    """What changed from `before` to `after`; layers and causes with the largest change first."""
    return Difference(
        before, after, _differing(before, after),
        tuple(Delta(n, getattr(before.total, n), getattr(after.total, n)) for n in METRICS),
        _by_size(_deltas(_seconds(before.total.cycles_by_cause, before),
                         _seconds(after.total.cycles_by_cause, after))),
        _by_size(_deltas(before.total.energy_j_by_part, after.total.energy_j_by_part)),
        _layers(before, after),
    )  # fmt: skip


def _differing(before: Side, after: Side) -> tuple[str, ...]:
    found = []
    for what, a, b in (("model", before.model, after.model),
                       ("hardware", before.hardware, after.hardware)):  # fmt: skip
        if a.name != b.name:
            found.append(f"{what}: {a.name} before, {b.name} after")
        elif a.sha256 != b.sha256:
            found.append(f"{what}: {a.name} in both, but not the same one (sha256 differs)")
    for name in ("batch", "objective", "npusim"):
        a, b = getattr(before, name), getattr(after, name)
        if a != b:
            found.append(f"{name}: {a} before, {b} after")
    return tuple(found)


def _seconds(cycles: Mapping[str, float], report: Side) -> dict[str, float]:
    return {name: value / report.hardware.clock_hz for name, value in cycles.items()}


def _deltas(before: Mapping[str, float], after: Mapping[str, float]) -> list[Delta]:
    names = dict.fromkeys([*before, *after])
    found = [Delta(name, before.get(name), after.get(name)) for name in names]
    return [delta for delta in found if delta.before or delta.after]


def _by_size(deltas: Iterable[Delta]) -> tuple[Delta, ...]:
    return tuple(sorted(deltas, key=lambda delta: -abs(delta.change)))


def _layers(before: Side, after: Side) -> tuple[LayerDelta, ...]:
    first, second = _numbered(before.layers), _numbered(after.layers)
    keys = dict.fromkeys([*first, *second])
    found = [_layer(key, first.get(key), second.get(key), before, after) for key in keys]
    return tuple(sorted(found, key=lambda layer: -abs(layer.time_s.change)))


def _numbered(layers: Iterable[SavedLayer | Layer]) -> dict[tuple[str, int], SavedLayer | Layer]:
    """Layers by name and how many of that name came before."""
    found: dict[tuple[str, int], SavedLayer | Layer] = {}
    counts: dict[str, int] = {}
    for layer in layers:
        number = counts.get(layer.name, 0)
        counts[layer.name] = number + 1
        found[layer.name, number] = layer
    return found


def _layer(
    key: tuple[str, int],
    a: SavedLayer | Layer | None,
    b: SavedLayer | Layer | None,
    before: Side,
    after: Side,
) -> LayerDelta:
    present = b or a
    assert present is not None
    name = key[0] if key[1] == 0 else f"{key[0]} #{key[1] + 1}"
    causes = _by_size(
        _deltas(
            _seconds(a.cycles_by_cause, before) if a else {},
            _seconds(b.cycles_by_cause, after) if b else {},
        )
    )
    times = Delta(
        name,
        a.cycles / before.hardware.clock_hz if a else None,
        b.cycles / after.hardware.clock_hz if b else None,
    )
    energy = Delta(name, a.energy_j if a else None, b.energy_j if b else None)
    parts = _deltas(a.energy_j_by_part if a else {}, b.energy_j_by_part if b else {})
    cause, change = (causes[0].name, causes[0].change) if causes else ("", 0.0)
    cause = cause if change else ""
    return LayerDelta(times, present.op, energy, cause, change, causes, _by_size(parts))
