"""Which format keeps most of which data: densities, and the layers of a model.

Every format stands at the scale of least squared error (`clip`, and `groups` where there are many
scales), unless a clip is given. SQNR = 10 log10(E[x^2] / MSE) dB over all values of a row, however
many scales they share.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from npusim.api import Model, StrPath, load_model
from npusim.quantize.formats import clip, groups
from npusim.quantize.formats.block_scales import ANY, require_block_scale
from npusim.quantize.formats.clip import best_fit, decibels, fit_at
from npusim.quantize.formats.densities import Source
from npusim.quantize.formats.distributions import DEFAULT, Case, cases_named
from npusim.quantize.formats.grids import Grid, grids_named
from npusim.quantize.formats.groups import best_rows
from npusim.quantize.formats.layers import Weights, blocks_of, float_weights, layer_inputs
from npusim.quantize.formats.samples import Samples
from npusim.report.shown import Shown

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.report.plots.style import Plot

SCHEMA = "npusim.study-formats/1"
FORMATS = ("int8", "e2m5", "e3m4", "e4m3", "e5m2", "int4", "e2m1")
DENSITY, WEIGHTS, INPUTS = "density", "weights", "inputs"
TENSOR, CHANNEL = "tensor", "channel"


@dataclass(frozen=True)
class Row:
    """SQNR in dB of each format by name for one kind of data, and where its clip lies.

    `what` is DENSITY, WEIGHTS or INPUTS; `per` is TENSOR, CHANNEL or `block of N`, with the kind of
    its scale if that is not any. `values` counts the data (0 for a density). `peak_to_rms` is the
    greatest magnitude (of a density, its cut) over the root mean square. `clip` has the formats
    that have one scale. An SQNR is infinite where nothing is lost.
    """

    name: str
    what: str
    per: str
    values: int
    peak_to_rms: float
    sqnr_db: Mapping[str, float]
    clip: Mapping[str, float] = field(default_factory=dict)

    @property
    def winner(self) -> str:
        """The format that keeps most; of equals the first one."""
        return max(self.sqnr_db, key=lambda name: self.sqnr_db[name])


@dataclass(frozen=True)
class Summary:
    """All rows of one kind: how many a format wins, and the middle one of its SQNRs."""

    what: str
    per: str
    rows: int
    wins: Mapping[str, int]
    median_db: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class FormatStudy(Shown):
    """Formats against data; `model` is the name of the model that layers come from, or empty."""

    grids: tuple[Grid, ...]
    rows: tuple[Row, ...]
    model: str = ""
    notes: tuple[str, ...] = ()

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """One for the layers of each kind and granularity, in the order of the rows."""
        kinds = dict.fromkeys((r.what, r.per) for r in self.rows if r.what != DENSITY)
        return tuple(self._summary(*kind) for kind in kinds)

    def _summary(self, what: str, per: str) -> Summary:
        rows = [row for row in self.rows if (row.what, row.per) == (what, per)]
        wins = Counter(row.winner for row in rows)
        names = [grid.name for grid in self.grids]
        medians = {name: float(np.median([row.sqnr_db[name] for row in rows])) for name in names}
        return Summary(what, per, len(rows), {name: wins[name] for name in names}, medians)

    def to_dict(self) -> dict[str, Any]:
        """The document of schema `SCHEMA`; an SQNR of null says that nothing is lost."""
        return {
            "schema": SCHEMA,
            "model": self.model or None,
            "formats": [_described(grid) for grid in self.grids],
            "search": {
                "one_scale": {
                    **_searched(clip.OCTAVES, clip.STEPS), "refinements": clip.ROUNDS,
                    "steps_per_step": clip.ZOOM, "least_squares_at_most": clip.MOST_FITS,
                },
                "scale_a_row": {
                    **_searched(groups.OCTAVES, groups.STEPS),
                    "refinements": 1,
                    "steps_per_step": groups.ZOOM,
                    "least_squares_at_most": groups.FITS,
                },
            },
            "rows": [_row(row) for row in self.rows],
            "summaries": [
                {
                    "what": each.what, "per": each.per, "rows": each.rows, "wins": dict(each.wins),
                    "median_sqnr_db": _finite(each.median_db),
                }
                for each in self.summaries
            ],
            "notes": list(self.notes),
        }  # fmt: skip

    def plot(self) -> Plot:
        """A panel for each kind of data; needs matplotlib (extra `plot`)."""
        from npusim.report.plots import require_matplotlib

        require_matplotlib()
        from npusim.quantize.formats.plot import figure

        return figure(self)

    def __repr__(self) -> str:
        of = f" of {self.model}" if self.model else ""
        return f"<FormatStudy{of}: {len(self.grids)} formats, {len(self.rows)} rows>"

    def print(self, console: Console) -> None:
        """Print the tables of `npusim study formats`."""
        from npusim.quantize.formats.printed import print_study

        print_study(self, console)

    def to_csv(self) -> str:
        """One row for each kind of data and format."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            ["name", "what", "per", "values", "peak_to_rms", "format", "bits", "sqnr_db", "clip"]
        )
        for row in self.rows:
            for grid in self.grids:
                sqnr = row.sqnr_db[grid.name]
                writer.writerow(
                    [row.name, row.what, row.per, row.values, f"{row.peak_to_rms:.6g}",
                     grid.name, grid.bits, f"{sqnr:.4f}", _text(row.clip.get(grid.name))]
                )  # fmt: skip
        return text.getvalue()


def study_formats(
    model: Model | StrPath | None = None,
    formats: Iterable[str] = FORMATS,
    distributions: Iterable[str] | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    block: int | None = None,
    block_scale: str = ANY,
) -> FormatStudy:
    """SQNR of `formats` over `distributions`, and over the layers of a float `model`.

    Names are those of `grids` and `distributions`; None takes the default distributions if there is
    no model, else none. With `inputs` the model is executed on them, and what its layers read is
    studied too; with a `block` also weights with one scale for so many values, which is of the kind
    `block_scale`. UsageError for
    unknown names and values that are not finite; UnsupportedModelError for a model without float
    weights.
    """
    if distributions is None:
        distributions = DEFAULT if model is None else ()
    grids, cases = grids_named(formats), cases_named(distributions)
    require_block_scale(block_scale)
    rows = study_densities(grids, cases)
    if model is None:
        return FormatStudy(grids, rows)
    loaded = model if isinstance(model, Model) else load_model(model)
    found = float_weights(loaded.graph)
    rows += study_weights(grids, found.weights, block, block_scale)
    if inputs is not None:
        rows += study_inputs(grids, layer_inputs(loaded, inputs))
    return FormatStudy(grids, rows, loaded.name, found.notes)


def study_densities(grids: Sequence[Grid], cases: Iterable[Case]) -> tuple[Row, ...]:
    """A row a case: its density, at the best clip or at the one that it states."""
    rows = []
    for case in cases:
        density, at = case.density, case.clip
        fits = {
            g.name: best_fit(g, density) if at is None else fit_at(g, density, at) for g in grids
        }
        rows.append(
            Row(
                case.name, DENSITY, TENSOR, 0, _peak_to_rms(density),
                {name: fit.sqnr_db for name, fit in fits.items()},
                {name: fit.clip for name, fit in fits.items()},
            )
        )  # fmt: skip
    return tuple(rows)


def study_weights(
    grids: Sequence[Grid], layers: Iterable[Weights], block: int | None = None, kind: str = ANY
) -> tuple[Row, ...]:
    """Rows of each layer's weights: one scale, one a channel, and one a `block` if given.

    A block is cut from what one output channel sums over, in the order of memory; its scale is of
    `kind`. Layers whose weights are all zero have no row.
    """
    rows = []
    for layer in layers:
        if not layer.rows.any():
            continue
        rows.append(one_scale(grids, layer.layer, WEIGHTS, layer.rows))
        rows.append(_many_scales(grids, rows[-1], CHANNEL, layer.rows))
        if block is not None:
            cut = blocks_of(layer.rows, block)
            per = f"block of {block}" + (f" ({kind})" if kind != ANY else "")
            rows.append(_many_scales(grids, rows[-2], per, cut, kind))
    return tuple(rows)


def study_inputs(grids: Sequence[Grid], inputs: Mapping[str, np.ndarray]) -> tuple[Row, ...]:
    """A row for what each layer reads, at one scale; layers that read only zeros have none."""
    given = ((name, values) for name, values in inputs.items() if values.any())
    return tuple(one_scale(grids, name, INPUTS, values) for name, values in given)


def one_scale(grids: Sequence[Grid], name: str, what: str, values: np.ndarray) -> Row:
    """The row of finite `values` of any shape, at one scale."""
    source = Samples(values)
    fits = {grid.name: best_fit(grid, source) for grid in grids}
    return Row(
        name, what, TENSOR, values.size, _peak_to_rms(source),
        {name: fit.sqnr_db for name, fit in fits.items()},
        {name: fit.clip for name, fit in fits.items()},
    )  # fmt: skip


def _many_scales(
    grids: Sequence[Grid], whole: Row, per: str, matrix: np.ndarray, kind: str = ANY
) -> Row:
    """The row of the data of `whole` with one scale for each row of `matrix`."""
    power = float(np.einsum("rn,rn->", matrix, matrix))
    lost = {grid.name: float(best_rows(grid, matrix, kind).squared_error.sum()) for grid in grids}
    sqnr = {name: decibels(power, _significant(error, power)) for name, error in lost.items()}
    return Row(whole.name, whole.what, per, whole.values, whole.peak_to_rms, sqnr)


def _significant(error: float, power: float) -> float:
    return error if error > clip.EXACT * power else 0.0


def _peak_to_rms(source: Source) -> float:
    return max(-source.low, source.high) / math.sqrt(source.power)


def _described(grid: Grid) -> dict[str, Any]:
    return {
        "name": grid.name, "bits": grid.bits, "values": len(grid.values),
        "greatest": grid.greatest, "asymmetric": grid.asymmetric,
    }  # fmt: skip


def _searched(octaves: int, steps: int) -> dict[str, Any]:
    return {"from": "2 times the extreme", "octaves": octaves, "steps_per_octave": steps}


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name, "what": row.what, "per": row.per, "values": row.values,
        "peak_to_rms": row.peak_to_rms, "winner": row.winner,
        "sqnr_db": _finite(row.sqnr_db), "clip": dict(row.clip) or None,
    }  # fmt: skip


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
