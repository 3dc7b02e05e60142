"""Layers as flat rows: one column a number, its unit in the column's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from npusim.errors import Problem, UsageError
from npusim.report.types import Layer

if TYPE_CHECKING:
    import pandas

Cell = str | int | float | None

TILE_DIMS = ("B", "G", "K", "C", "OY", "OX")


def row_of(layer: Layer) -> dict[str, Cell]:
    """Column name to value of one layer."""
    row: dict[str, Cell] = {
        "layer": layer.name,
        "op": layer.op,
        "on": layer.on,
        "macs": layer.macs,
        "cycles": layer.cycles,
        "array_busy_cycles": layer.array_busy_cycles,
        "format": layer.format,
        "utilization_fraction": layer.utilization,
        "bound_by": layer.bound_by,
        "dram_read_bytes": layer.dram_read_bytes,
        "dram_write_bytes": layer.dram_write_bytes,
        "sram_read_bytes": layer.sram_read_bytes,
        "sram_write_bytes": layer.sram_write_bytes,
        "energy_j": layer.energy_j,
    }
    row |= {f"{part}_j": joules for part, joules in layer.energy_j_by_part.items()}
    row |= {f"{cause}_cycles": cycles for cause, cycles in layer.cycles_by_cause.items()}
    row |= {f"tile_{dim.lower()}_elements": layer.tile.get(dim) for dim in TILE_DIMS}
    return row | {"dataflow": layer.dataflow, "loop_order": layer.loop_order}


def as_csv(layers: Sequence[Layer]) -> str:
    """A header and one line a layer; absent values are empty."""
    text = io.StringIO()
    flat = [row_of(layer) for layer in layers]
    writer = csv.DictWriter(text, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def as_pandas(layers: Sequence[Layer]) -> pandas.DataFrame:
    """One row a layer; UsageError if pandas is not installed."""
    try:
        import pandas
    except ImportError:
        what = "pandas is not installed: pip install pandas, or use to_csv() or to_dict()"
        raise UsageError(Problem("to_pandas", what)) from None
    return pandas.DataFrame([row_of(layer) for layer in layers])
