"""Cycles against those of open RTL: NVDLA's, and systolic cores'.

    python -m tests.benchmarks.against_rtl [FILE]

FILE has the columns of `rtl_cycles.csv` of the development data, the default.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.benchmarks.against_rtl_nvdla import compare_nvdla
from tests.benchmarks.against_rtl_systolic import MEASURED, compared
from tests.support.rtl_rows import Compared, print_rows


def main() -> None:
    """Print a table for each kind of design that FILE has rows of."""
    parser = argparse.ArgumentParser(description="Cycles against those of open RTL.")
    parser.add_argument("file", nargs="?", type=Path, default=MEASURED)
    file = parser.parse_args().file
    systolic = [
        Compared(row.name, int(row.measured), round(row.simulated)) for row in compared(file)
    ]
    for title, rows in (("NVDLA", compare_nvdla(file)), ("systolic cores", systolic)):
        if rows:
            print_rows(title, rows)


if __name__ == "__main__":
    main()
