"""Other tools read a sweep's files: pandas, polars and DuckDB see the numbers that npusim has.

DuckDB reads SQLite through an extension that it downloads once; without it that test is skipped.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import npusim

VARY = {
    "mac_array.rows": [8, 16],
    "memory.sram.banks": [3, 16],  # 3 banks do not divide the SRAM: infeasible
    "clock": ["500 MHz", "1 GHz"],
    "memory.dram.technology": ["lpddr4x-4266", "lpddr5-6400"],
}
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows, list[str]]:
    """A folder with s.db, s.csv and s.parquet, the rows that they hold, and their columns."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("readers")
    found = npusim.sweep({"vary": VARY}, "mlperf-tiny-ad", store=folder / "s.db")
    found.to_csv(folder / "s.csv")
    found.to_parquet(folder / "s.parquet")
    names = [name for name in found.about.columns if name != "key"]
    rows = [tuple(row[name] for name in names) for row in found.rows()]
    found.close()
    assert {row[1] for row in rows} == {"ok", "description"}
    units = {"clock": "clock [Hz]"}
    return folder, rows, [units.get(name, name) for name in names]


def _same(read: Rows, rows: Rows) -> None:
    """Equal, where a tool may hold whole numbers with gaps as floats and gaps as NaN."""
    assert len(read) == len(rows)
    for one, other in zip(read, rows, strict=True):
        for found, value in zip(one, other, strict=True):
            if value is None:
                assert found is None or math.isnan(found)
            else:
                assert found == value


@pytest.mark.parametrize("kind", ["csv", "parquet", "sqlite"])
def test_pandas(files: tuple[Path, Rows, list[str]], kind: str) -> None:
    pandas = pytest.importorskip("pandas")
    folder, rows, names = files
    if kind == "csv":
        frame = pandas.read_csv(folder / "s.csv")
    elif kind == "parquet":
        frame = pandas.read_parquet(folder / "s.parquet")
    else:
        with closing(sqlite3.connect(folder / "s.db")) as database:
            frame = pandas.read_sql("SELECT * FROM points ORDER BY number", database)
        frame = frame.drop(columns=["key", "checksum"]).rename(columns={"clock": "clock [Hz]"})
    assert list(frame.columns) == names
    _same(list(frame.itertuples(index=False, name=None)), rows)


@pytest.mark.parametrize("kind", ["csv", "parquet", "sqlite"])
def test_polars(files: tuple[Path, Rows, list[str]], kind: str) -> None:
    polars = pytest.importorskip("polars")
    folder, rows, names = files
    if kind == "csv":
        frame = polars.read_csv(folder / "s.csv")
    elif kind == "parquet":
        frame = polars.read_parquet(folder / "s.parquet")
    else:
        with closing(sqlite3.connect(folder / "s.db")) as database:
            frame = polars.read_database("SELECT * FROM points ORDER BY number", database)
        frame = frame.drop("key", "checksum").rename({"clock": "clock [Hz]"})
    assert frame.columns == names
    _same(frame.rows(), rows)


@pytest.mark.parametrize("kind", ["csv", "parquet", "sqlite"])
def test_duckdb(files: tuple[Path, Rows, list[str]], kind: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    folder, rows, names = files
    offline = {"autoinstall_known_extensions": False}
    with duckdb.connect(config=offline) as database:
        source = f"'{folder}/s.{kind}'"
        if kind == "sqlite":
            try:
                database.execute("LOAD sqlite")
            except duckdb.Error as error:
                pytest.skip(f"DuckDB's extension for SQLite is not installed: {error}"[:200])
            source = f"sqlite_scan('{folder}/s.db', 'points')"
        own = ", ".join('"clock"' if kind == "sqlite" and n == "clock [Hz]" else f'"{n}"'
                        for n in names)  # fmt: skip
        _same(database.execute(f"SELECT {own} FROM {source} ORDER BY number").fetchall(), rows)
        query = f"SELECT count(*), min(latency_s) FROM {source} WHERE status = 'ok'"
        feasible = [row[names.index("latency_s")] for row in rows if row[1] == "ok"]
        assert database.execute(query).fetchone() == (len(feasible), min(feasible))
