"""The Report: what a simulation found, and how it is written.

`Report.to_dict` is the document of `run --json`, schema npusim.run/1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from npusim.report import html, rows
from npusim.report.plots import figure_of
from npusim.report.summary import title
from npusim.report.types import Findings

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

SCHEMA = "npusim.run/1"


@dataclass(frozen=True, repr=False)
class Report(Findings):
    """What one simulation found. Frozen; it can be pickled and shows itself in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """The document of `run --json`: dicts, lists, text, numbers and None."""
        document: dict[str, Any] = _plain({"schema": SCHEMA, **asdict(self)})
        for tensor in (*document["model"]["inputs"], *document["model"]["outputs"]):
            if tensor["format"] is None:  # its dtype says it all
                del tensor["format"]
        return document

    def to_json(self) -> str:
        """`to_dict` as JSON text, indented, with a newline at its end."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """One line a layer, with a header; every column names its unit."""
        return rows.as_csv(self.layers)

    def to_pandas(self) -> pandas.DataFrame:
        """One row a layer, the columns of `to_csv`; UsageError if pandas is not installed."""
        return rows.as_pandas(self.layers)

    def plot(self) -> Figure:
        """All four plots on a page; needs matplotlib (extra `plot`), as each of them does."""
        return figure_of(self)

    def plot_causes(self) -> Figure:
        """Cycles by cause, in the whole network and for each of its slowest layers."""
        return figure_of(self, "causes")

    def plot_roofline(self) -> Figure:
        """Layers by operations per DRAM byte and TOPS, under the roofs of array and DRAM."""
        return figure_of(self, "roofline")

    def plot_energy(self) -> Figure:
        """Energy by part, in the whole network and for each of its costliest layers."""
        return figure_of(self, "energy")

    def plot_memory(self) -> Figure:
        """What lies in SRAM over the time of an inference."""
        return figure_of(self, "memory")

    def __repr__(self) -> str:
        return f"<Report of {title(self)}: {1e3 * self.total.latency_s:.4g} ms>"

    def _repr_html_(self) -> str:
        return html.page(self)


def _plain(value: Any) -> Any:
    """Tuples become lists, as in JSON; a number that is not finite is a bug of ours."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    assert not isinstance(value, float) or math.isfinite(value), value
    return value
