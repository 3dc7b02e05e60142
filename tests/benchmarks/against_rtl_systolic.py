"""Cycles of systolic cores against their RTL, row by row.

    python -m tests.benchmarks.against_rtl_systolic [FILE]

FILE has the columns of `rtl_cycles.csv` of the development data, the default; rows of other designs
are left out. The descriptions are in `hardware/` beside this file, with rows and columns as each
row says. What was measured is the core alone, from the first operand (weights included) to the
last sum. Here each row is a GEMM that goes through `simulate` on a memory that costs next to
nothing, and the causes that are the array's own are added up: compute, edges, fill, weight load.
"""

from __future__ import annotations

import argparse
import csv
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from npusim import api
from npusim.report.types import Layer
from tests.benchmarks.silicon import SHARED, Compared, table

HERE = Path(__file__).resolve().parent
MEASURED = SHARED / "data" / "measurements" / "rtl_cycles.csv"
ARRAY_CAUSES = ("compute", "array_edges", "array_fill", "weight_load")
DESIGNS = ("axis-systolic-array", "tiny-xpu")
"""A design is the first word of the column `design`, and the name of its description."""


class Gemm(NamedTuple):
    """[m, k] x [k, n]."""

    m: int
    k: int
    n: int


def compared(file: Path) -> list[Compared]:
    """Every row of `file` that measures a systolic core."""
    with file.open(newline="") as text:
        return list(_rows(csv.DictReader(text)))


def _rows(rows: Iterable[Mapping[str, str]]) -> Iterator[Compared]:
    for row in rows:
        design = row["design"].split()[0]
        if design in DESIGNS:
            height, width = int(row["pe_rows"]), int(row["pe_cols"])
            gemm = _axis_gemm(row) if design == DESIGNS[0] else _gemm(row)
            name = f"{design} {height}x{width} {gemm.m}x{gemm.k}x{gemm.n}"
            yield Compared(
                name, int(row["measured_cycles"]), array_cycles(design, height, width, gemm)
            )


def _gemm(row: Mapping[str, str]) -> Gemm:
    return Gemm(int(row["M"]), int(row["K"]), int(row["N"]))


def _axis_gemm(row: Mapping[str, str]) -> Gemm:
    """The tiles of a row as one GEMM: each fills the array, R vectors of one operand by C of the
    other, and they follow each other without a gap."""
    found = re.match(r"(\d+) tile", row["workload"])
    assert found, row["workload"]
    return Gemm(int(row["pe_rows"]) * int(found[1]), int(row["K"]), int(row["pe_cols"]))


def array_cycles(design: str, height: int, width: int, gemm: Gemm) -> float:
    """Cycles that the report of `gemm` on `design` gives to the array."""
    hardware = api.load_hardware(
        HERE / "hardware" / f"{design}.yaml",
        {"mac_array.rows": height, "mac_array.cols": width},
    )
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "gemm.csv"
        table.write_text(f"name,m,k,n\ngemm,{gemm.m},{gemm.k},{gemm.n}\n")
        return array_share(api.simulate(table, hardware).layers[0])


def array_share(layer: Layer) -> float:
    """Cycles of `layer` whose cause is the array itself."""
    return sum(layer.cycles_by_cause.get(cause, 0.0) for cause in ARRAY_CAUSES)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="cycles of systolic cores against their RTL")
    parser.add_argument("file", nargs="?", type=Path, default=MEASURED)
    rows = compared(parser.parse_args().file)
    print(table(rows, "cycles") if rows else "no row of a systolic core")


if __name__ == "__main__":
    main()
