"""The table of a sweep as a Parquet file, through pyarrow (extra `parquet`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from npusim.errors import Problem, UsageError
from npusim.report.files import whole_file

ROWS_AT_ONCE = 50_000
"""Rows of a group: what is held in memory."""


def check_parquet() -> None:
    """UsageError if pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        what = "needs pyarrow: pip install 'npusim[parquet]'"
        raise UsageError(Problem("--parquet", what)) from None


def write_parquet(
    rows: Iterable[Sequence[Any]], names: Sequence[str], types: Sequence[str],
    path: str | os.PathLike[str],
) -> None:  # fmt: skip
    """Write `rows` of columns `names`, whose `types` are SQLite's, to `path`."""
    check_parquet()
    import pyarrow
    from pyarrow import parquet

    kinds = {"INTEGER": pyarrow.int64(), "REAL": pyarrow.float64(), "TEXT": pyarrow.string()}
    schema = pyarrow.schema([(n, kinds[kind]) for n, kind in zip(names, types, strict=True)])
    with whole_file(path) as file, parquet.ParquetWriter(file, schema) as writer:
        for part in _parts(iter(rows)):
            columns = [
                [str(value) if kind == "TEXT" and value is not None else value for value in column]
                for column, kind in zip(zip(*part, strict=True), types, strict=True)
            ]
            arrays = [
                pyarrow.array(column, field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _parts(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield part
