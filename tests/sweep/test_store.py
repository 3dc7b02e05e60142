"""The store: what is written stays, twice is once, and what is wrong with a file is said."""

from __future__ import annotations

import dataclasses
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from npusim.errors import UsageError
from npusim.sweep.about import About
from npusim.sweep.result import Sweep
from npusim.sweep.store import Store

ABOUT = About(
    identity="abc", npusim="1", hardware="edge-npu-1", models=("m",), fields=("clock", "name"),
    types=("REAL", "TEXT", "INTEGER", "REAL"), metrics=("cycles", "latency_s"),
    units={"clock": "Hz"}, objectives=("latency_s",), axes={"clock": 3},
)  # fmt: skip


def _row(number: int, status: str = "ok") -> tuple[Any, ...]:
    reason = None if status == "ok" else "too large"
    return (
        number,
        f"key{number}",
        status,
        reason,
        0.1 * number,
        "x",
        10 * number,
        1 / (number + 1),
    )


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db", ABOUT)
    rows = [_row(number) for number in (7, 1, 3)]
    assert store.write(rows) == 3
    assert store.done([1, 2, 3]) == {1, 3}
    store.close()
    again = Store(tmp_path / "s.db")
    assert again.about == ABOUT
    assert list(again.rows()) == sorted(rows)
    assert next(again.rows(("latency_s", "number"))) == (0.5, 1)


def test_a_point_is_there_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db", ABOUT)
    other = Store(tmp_path / "s.db", ABOUT)
    assert store.write([_row(1), _row(2)]) == 2
    assert other.write([_row(2), _row(3)]) == 1
    assert [row[0] for row in store.rows()] == [1, 2, 3]


def test_a_table_that_is_read_does_not_change(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "s.db", ABOUT), Store(tmp_path / "s.db", ABOUT)
    numbers = (3, 1, 2**55 + 1)
    store.write([_row(number, "ok" if number < 9 else "does not fit") for number in numbers])
    table = Sweep(store).table
    assert list(table["number"]) == sorted(numbers)
    other.write([_row(2)])
    assert list(table["clock"][:2]) == [0.1, 0.1 * 3]
    assert list(table["name"]) == ["x", "x", "x"]
    assert list(table["reason"]) == [None, None, "too large"]
    assert len(Sweep(other).table) == 4


def test_counts_and_reasons(tmp_path: Path) -> None:
    store = Store(None, ABOUT)
    store.write([_row(1), _row(2, "does not fit"), _row(3, "does not fit")])
    assert store.counts() == {"does not fit": 2, "ok": 1}
    assert store.reasons() == [("does not fit", "too large", 2)]


def test_another_space_or_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path, ABOUT).close()
    for change, said in (
        ({"npusim": "2"}, "its npusim is 1, here is 2"),
        ({"axes": {"clock": 4}}, "clock \\(3 values\\), here are clock \\(4 values\\)"),
        ({}, "values, constraints, models or options differ"),
    ):
        about = dataclasses.replace(ABOUT, identity="other", **change)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=said) as caught:
            Store(path, about)
        assert "another --store" in str(caught.value)
    assert list(Store(path).rows()) == []


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    text, foreign, empty = tmp_path / "t.db", tmp_path / "f.db", tmp_path / "e.db"
    text.write_text("not a database" * 100)
    database = sqlite3.connect(foreign)
    database.execute("CREATE TABLE t (a)")
    database.close()
    empty.touch()
    for path, said in ((text, "damaged, or not a store"), (foreign, "not a store of a sweep")):
        with pytest.raises(UsageError, match=said):
            Store(path, ABOUT)
    assert foreign.stat().st_size and text.read_text().startswith("not a database")
    with pytest.raises(UsageError, match="empty file"):
        Store(empty)
    with pytest.raises(UsageError, match="no such store"):
        Store(tmp_path / "nothing.db")


@pytest.mark.parametrize("place", [100, 26_000, 40_000, 60_000])
def test_a_damaged_file_is_refused(tmp_path: Path, place: int) -> None:
    path = tmp_path / "s.db"
    store = Store(path, ABOUT)
    store.write([_row(number) for number in range(1000)])
    store.close()
    content = bytearray(path.read_bytes())
    content[place : place + 300] = b"\xa5" * 300
    path.write_bytes(content)
    with pytest.raises(UsageError, match="damaged"):
        Store(path, ABOUT)


def _changed(path: Path, query: str, *values: object) -> None:
    """The store at `path` after a change that no page of SQLite's shows."""
    database = sqlite3.connect(path)
    database.execute(query, values)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    "change",
    ["latency_s = 0.26 WHERE number = 3", "cycles = 31 WHERE number = 3",
     "status = 'does not fit' WHERE number = 3", "clock = clock + 1e-9 WHERE number = 3",
     "name = x'ff' WHERE number = 3", "name = CAST(x'ff41' AS TEXT) WHERE number = 3",
     "checksum = NULL WHERE number = 3", "number = 33 WHERE number = 3"],
)  # fmt: skip
def test_a_changed_value_is_named_and_all_other_rows_are_saved(tmp_path: Path, change: str) -> None:
    path = tmp_path / "s.db"
    store = Store(path, ABOUT)
    store.write([_row(number) for number in range(10)])
    store.close()
    _changed(path, f"UPDATE points SET {change}")
    for about in (ABOUT, None):
        with pytest.raises(UsageError, match=r"1 row is damaged.*\(points 33?\).*sweep-merge"):
            Store(path, about)
    saved = Store(tmp_path / "new.db", ABOUT)
    with pytest.raises(UsageError, match="1 row is damaged"):
        saved.absorb(path)
    assert saved.absorb(path, skip_damaged=True) == 9
    assert list(saved.rows()) == [_row(number) for number in range(10) if number != 3]


def test_a_changed_description_of_the_space_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store(path, ABOUT).close()
    _changed(path, "UPDATE about SET value = '[\"energy_j\"]' WHERE name = 'objectives'")
    with pytest.raises(UsageError, match="does not say which space it is of: it is damaged"):
        Store(path)


def test_many_damaged_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store(path, ABOUT)
    store.write([_row(number) for number in range(2000)])
    store.close()
    _changed(path, "UPDATE points SET cycles = 1 WHERE number > 0")
    with pytest.raises(UsageError, match=r"1,999 rows are damaged.*\(points 1, 2, 3, 4, 5, ...\)"):
        Store(path)


@pytest.mark.slow
def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, damaged = tmp_path / "s.db", tmp_path / "d.db"
    store = Store(path, ABOUT)
    written = [_row(number, "ok" if number % 3 else "does not fit") for number in range(400)]
    store.write(written)
    store.close()
    content = path.read_bytes()
    rng = random.Random(1)
    refused = 0
    for number in range(400):
        place, bit = rng.randrange(len(content)), rng.randrange(8)
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        damaged.write_bytes(changed)
        try:
            store = Store(damaged)
        except UsageError as error:
            refused += 1
            assert "Traceback" not in str(error)
            saved = Store(tmp_path / f"{number}.db", ABOUT)
            with suppress(UsageError):  # of a damaged header or description nothing can be saved
                saved.absorb(damaged, skip_damaged=True)
            assert set(saved.rows()) <= set(written)
            saved.close()
        else:
            assert list(store.rows()) == written, f"byte {place}, bit {bit}"
            store.close()
    assert refused > 100


@pytest.mark.parametrize("place", [26_000, 40_000, 60_000])
def test_what_can_be_read_of_damaged_pages_is_saved(tmp_path: Path, place: int) -> None:
    path = tmp_path / "s.db"
    store = Store(path, ABOUT)
    written = [_row(number) for number in range(1000)]
    store.write(written)
    store.close()
    content = bytearray(path.read_bytes())
    content[place : place + 300] = b"\xa5" * 300
    path.write_bytes(content)
    with pytest.raises(UsageError, match="--skip-damaged"):
        Store(path)
    saved = Store(tmp_path / "new.db", ABOUT)
    assert saved.absorb(path, skip_damaged=True) > 900
    assert set(saved.rows()) <= set(written)


def test_shards_are_merged(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "1.db", ABOUT), Store(tmp_path / "2.db", ABOUT)
    first.write([_row(1), _row(2)])
    second.write([_row(2), _row(3)])
    assert first.absorb(tmp_path / "2.db") == 1
    assert list(first.rows()) == [_row(1), _row(2), _row(3)]
    Store(tmp_path / "3.db", dataclasses.replace(ABOUT, identity="x", npusim="9")).close()
    with pytest.raises(UsageError, match="another space"):
        first.absorb(tmp_path / "3.db")


FILL = """
import resource, sys
from tests.sweep.test_store import ABOUT, _row
from npusim.errors import UsageError
from npusim.sweep.store import Store
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(sys.argv[1], ABOUT)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
written = 0
try:
    while True:
        written += store.write([_row(written + i) for i in range(100)])
except UsageError as error:
    print(written, error)
"""


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    top = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", FILL, str(path)]
    variables = {**os.environ, "PYTHONPATH": str(top)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=top, env=variables, check=False
    )
    written, said = done.stdout.split(" ", 1)
    assert "can't be written" in said and "safe" in said, done.stderr
    rows = list(Store(path, ABOUT).rows())
    assert rows == [_row(number) for number in range(int(written))]
    assert int(written) > 100
