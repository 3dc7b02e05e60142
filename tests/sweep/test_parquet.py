"""Parquet files, and what is said without pyarrow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from npusim.errors import UsageError
from npusim.sweep import parquet


def test_rows_come_in_groups_and_keep_their_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 2)
    rows = [(1, "a", 0.5), (2, None, None), (3, 7, 1.5)]
    path = tmp_path / "t.parquet"
    parquet.write_parquet(iter(rows), ("n", "t", "x"), ("INTEGER", "TEXT", "REAL"), path)
    table = pyarrow.read_table(path)
    assert table.to_pydict() == {"n": [1, 2, 3], "t": ["a", None, "7"], "x": [0.5, None, 1.5]}
    assert pyarrow.ParquetFile(path).num_row_groups == 2


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"npusim\[parquet\]"):
        parquet.check_parquet()
