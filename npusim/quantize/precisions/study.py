"""One network in many precisions on one hardware: what is stored, moved, waited for and spent.

Each row is a whole simulation of the network with its tensors in other formats
(`npusim/schedule/assumed.py`), so what does not shrink with the format (dispatch, edges of tiles,
static power) stays in it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from npusim import api
from npusim.quantize.precisions.choices import Precision, chosen
from npusim.quantize.precisions.claims import Finding, findings
from npusim.quantize.precisions.quality import NOT_QUANTIZED, Qualities, Samples
from npusim.report.shown import Shown

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.hardware.schema import Hardware
    from npusim.ir.graph import Graph
    from npusim.report.plots.style import Plot
    from npusim.report.types import Total

SCHEMA = "npusim.study-precisions/1"


@dataclass(frozen=True)
class Row:
    """A precision: `pair` is what is stored (activation*weight), `runs_as` what is multiplied.

    `rate` is MACs per unit and cycle of that. `weight_bytes` are weights and biases in memory.
    `reason` says why `total` is None (the hardware lacks the precision) or nothing was executed.
    `sqnr_db`, `agreement` and `accuracy` (shares) are there if samples were given and it could be
    executed; an SQNR of inf is no difference at all.
    """

    name: str
    pair: str
    runs_as: str | None
    rate: float
    weight_bytes: int
    total: Total | None
    reason: str = ""
    sqnr_db: float | None = None
    agreement: float | None = None
    accuracy: float | None = None

    @property
    def dram_bytes(self) -> int:
        """Bytes that cross the DRAM bus in an inference."""
        assert self.total is not None
        return self.total.dram_read_bytes + self.total.dram_write_bytes


@dataclass(frozen=True, repr=False)
class PrecisionStudy(Shown):
    """The rows of a model on a hardware, and what they say of published claims."""

    model: str
    hardware: str
    objective: str
    rows: tuple[Row, ...]

    @property
    def costed(self) -> dict[str, Row]:
        """The rows that the hardware can run, by name."""
        return {row.name: row for row in self.rows if row.total is not None}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Published claims beside what was found here."""
        return findings(self.costed)

    def to_dict(self) -> dict[str, Any]:
        """The document of `study precisions --json`."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "hardware": self.hardware,
            "objective": self.objective,
            "rows": [_row_document(row) for row in self.rows],
            "claims": [asdict(finding) for finding in self.findings],
        }

    def plot(self) -> Plot:
        """Latency by cause and energy by part of each row; needs matplotlib (extra `plot`)."""
        from npusim.report.plots import require_matplotlib

        require_matplotlib()
        from npusim.quantize.precisions.plot import figure

        return figure(self)

    def __repr__(self) -> str:
        return f"<PrecisionStudy of {self.model} on {self.hardware}: {len(self.rows)} precisions>"

    def print(self, console: Console) -> None:
        """Print the tables of `npusim study precisions`."""
        from npusim.quantize.precisions.printed import print_study

        print_study(self, console)


def study_precisions(
    model: api.Model | api.StrPath,
    hw: Hardware | api.StrPath,
    precisions: Sequence[str] = (),
    objective: str = "latency",
    batch: int | None = None,
    samples: Samples | None = None,
) -> PrecisionStudy:
    """`model`, whatever its own formats, in each of `precisions` (all of them by default) on `hw`.

    A precision that the array of `hw` has no rate for is a row without figures. Weights of 4 bits
    that it can't multiply as such are stored in 4 bits and multiplied as 8. With `samples` the
    network, which has to be a float one then, is quantized and executed too.
    """
    names = chosen(precisions)
    loaded = model if isinstance(model, api.Model) else api.load_model(model)
    hardware = api.load_hardware(hw) if isinstance(hw, str | os.PathLike) else hw
    rows = [_row(loaded.graph, hardware, one, objective, batch) for one in names]
    if samples is not None:
        qualities = Qualities(loaded, hardware, samples)
        rows = [row if row.total is None else _judged(row, qualities) for row in rows]
    return PrecisionStudy(loaded.name, hardware.name, objective, tuple(rows))


def _row(
    graph: Graph, hardware: Hardware, precision: Precision, objective: str, batch: int | None
) -> Row:
    from npusim.schedule.assumed import counted_in

    array = hardware.mac_array
    for activation, weight in precision.pairs:
        counted = counted_in(graph, hardware, activation, weight)
        if counted is not None:
            runs_as = array.pair_for(activation, weight)
            assert runs_as is not None
            rate = array.precision(runs_as)
            total = api.simulate(api.Model(counted), hardware, batch, objective).total
            return Row(
                precision.name, f"{activation}*{weight}", runs_as, rate.rate if rate else 0.0,
                sum(tensor.size_bytes for tensor in counted.constants()), total,
            )  # fmt: skip
    pairs = [f"{activation}*{weight}" for activation, weight in precision.pairs]
    reason = f"the array of {hardware.name} has no rate for {' nor '.join(pairs)}"
    return Row(precision.name, pairs[0], None, 0.0, 0, None, reason)


def _judged(row: Row, qualities: Qualities) -> Row:
    found = qualities.of(row.name)
    if found is None:
        return replace(row, reason=f"counted, not executed: {NOT_QUANTIZED}")
    return replace(row, sqnr_db=found.sqnr_db, agreement=found.agreement, accuracy=found.accuracy)


def _row_document(row: Row) -> dict[str, Any]:
    document = {
        "name": row.name, "pair": row.pair, "runs_as": row.runs_as, "reason": row.reason or None,
    }  # fmt: skip
    if row.total is None:
        return document
    total = row.total
    return document | {
        "macs_per_unit_and_cycle": row.rate,
        "weight_bytes": row.weight_bytes,
        "dram_bytes": row.dram_bytes,
        "latency_s": total.latency_s,
        "energy_j": total.energy_j,
        "tops_per_watt": total.tops_per_watt,
        "sqnr_db": row.sqnr_db if row.sqnr_db is None or math.isfinite(row.sqnr_db) else None,
        "agreement": row.agreement,
        "accuracy": row.accuracy,
        "cycles_by_cause": dict(total.cycles_by_cause),
        "energy_j_by_part": dict(total.energy_j_by_part),
    }
