"""The table of a sweep in one SQLite file, safe at any moment.

Rows are written in transactions of a write-ahead log, so a process that is killed loses only what
it had not handed over; a row that is there already is left alone, so two processes may fill the
same file. Table `points` has one row a point: `number`, `key` (the content of model, hardware,
options and version), `status`, `reason`, then a column for each field that varies and each metric,
and a `checksum` of the row. Table `about` says which space it is of. Whoever opens a store checks
its pages and rows, so that a resumed sweep, an export or a merge never takes a damaged number.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

from npusim.errors import Problem, UsageError
from npusim.sweep.about import About, difference
from npusim.sweep.checksums import checksum, is_sound, sealed

APPLICATION_ID = 0x6E707573
"""`npus`: SQLite keeps it in the file's header."""
SCHEMA = "npusim.store/2"
BUSY_SECONDS = 60.0
"""How long a writer waits for another one."""
_READ_AT_ONCE = 1000
_MOST_NAMED = 5
"""Damaged points that a message names."""


class Store:
    """A table on disk. `path` None keeps it in a temporary file that goes with the object."""

    def __init__(
        self, path: str | os.PathLike[str] | None, about: About | None = None,
        unchecked: bool = False,
    ) -> None:  # fmt: skip
        """Open or make the store of the space `about`; None opens one that is there.

        UsageError if the file is another space's or version's, damaged, or can't be written;
        `unchecked` leaves out what is said of damage to pages and rows.
        """
        self.path = None if path is None else os.fspath(path)
        if about is None and not (self.path and Path(self.path).is_file()):
            raise UsageError(Problem(str(path), "there is no such store"))
        with self._explained():
            self._database = sqlite3.connect(
                self.path or "", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.text_factory = _text
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            if not unchecked:
                self._check_pages()
            found = self._stated()
            if found is None:
                if about is None:
                    raise self._refusal("is an empty file, not a store of a sweep")
                self._create(about)
                found = self._stated()
        assert found is not None
        self.about = found
        if about is not None:
            self._check(about)
        if not unchecked:
            self._check_rows()
            self._database.text_factory = str

    def close(self) -> None:
        """Close the file; a temporary one is gone then."""
        self._database.close()

    def hold(self) -> None:
        """Read the table as it is now from here on, whatever others add; nothing can be written."""
        if not self._database.in_transaction:
            with self._explained():
                self._database.execute("BEGIN")
                self._database.execute("SELECT 1 FROM about").fetchone()

    def write(self, rows: Sequence[Sequence[Any]]) -> int:
        """Add `rows` (in the order of `About.columns`) at once; the number that were new."""
        types = self.about.column_types
        with self._explained(), self._transaction():
            return self._insert(sealed(row, types) for row in rows)

    def done(self, numbers: Sequence[int]) -> set[int]:
        """Which of the points `numbers` are in the table."""
        found: set[int] = set()
        for part in _parts(numbers):
            marks = ", ".join("?" * len(part))
            query = f"SELECT number FROM points WHERE number IN ({marks})"
            with self._explained():
                found.update(number for (number,) in self._database.execute(query, part))
        return found

    def values(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[int, tuple[Any, ...]]:
        """For those of the points `numbers` that are feasible, their `columns`."""
        found: dict[int, tuple[Any, ...]] = {}
        names = ", ".join(map(_quoted, columns))
        for part in _parts(numbers):
            marks = ", ".join("?" * len(part))
            query = f"SELECT number, {names} FROM points WHERE number IN ({marks})"
            query += " AND status = 'ok'"
            with self._explained():
                found |= {row[0]: row[1:] for row in self._database.execute(query, part)}
        return found

    def counts(self) -> dict[str, int]:
        """How many points there are of each status."""
        query = "SELECT status, count(*) FROM points GROUP BY status ORDER BY status"
        with self._explained():
            return dict(self._database.execute(query))

    def reasons(self) -> list[tuple[str, str, int]]:
        """Status, reason and number of points for each reason, the most frequent first."""
        query = (
            "SELECT status, reason, count(*) AS points FROM points WHERE reason NOT NULL "
            "GROUP BY status, reason ORDER BY points DESC, status, reason"
        )
        with self._explained():
            return list(self._database.execute(query))

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows by ascending number, read as they are asked for."""
        names = ", ".join(map(_quoted, columns or self.about.columns))
        with self._explained():
            cursor = self._database.execute(f"SELECT {names} FROM points ORDER BY number")
            while part := cursor.fetchmany(_READ_AT_ONCE):
                yield from part

    def absorb(self, other: str | os.PathLike[str], skip_damaged: bool = False) -> int:
        """Add the rows of the store `other` of the same space; the number that were new.

        A damaged store is a UsageError, or with `skip_damaged` the rows are taken that can be read
        and have their checksum.
        """
        theirs = Store(other, unchecked=skip_damaged)
        try:
            if theirs.about.identity != self.about.identity:
                there = difference(theirs.about, self.about)
                what = f"is of another space than {self.path}: {there}"
                raise UsageError(Problem(os.fspath(other), what))
            rows = theirs._readable() if skip_damaged else theirs._sealed()
            with self._explained(), self._transaction():
                return self._insert(row for row in rows if is_sound(row))
        finally:
            theirs.close()

    def _insert(self, rows: Iterable[Sequence[Any]]) -> int:
        """Add `rows` with their checksums; the number that were new."""
        marks = ", ".join("?" * (len(self.about.columns) + 1))
        before = self._database.total_changes
        self._database.executemany(f"INSERT OR IGNORE INTO points VALUES ({marks})", rows)
        return self._database.total_changes - before

    def _sealed(self, order: str = "") -> Iterator[tuple[Any, ...]]:
        """All rows with their checksums, by ascending number."""
        return self._database.execute(f"SELECT * FROM points NOT INDEXED ORDER BY number {order}")

    def _readable(self) -> Iterator[tuple[Any, ...]]:
        """The rows with their checksums from both ends up to pages that can't be read."""
        for order in ("ASC", "DESC"):
            try:
                yield from self._sealed(order)
            except sqlite3.DatabaseError:
                continue
            return

    def _check_pages(self) -> None:
        (found,) = self._database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"malformed: {found}")

    def _check_rows(self) -> None:
        """UsageError if values do not have the checksum of their row."""
        with self._explained():
            damaged, named = 0, list[int]()
            for row in self._sealed():
                if not is_sound(row):
                    damaged += 1
                    named += [row[0]] * (damaged <= _MOST_NAMED)
        if damaged:
            self.close()
            many = "1 row is" if damaged == 1 else f"{damaged:,} rows are"
            points = ", ".join([*map(str, named), *["..."] * (damaged > len(named))])
            what = f"{many} damaged: values do not fit their checksums (points {points}); "
            raise self._refusal(what + self._rescue())

    def _rescue(self) -> str:
        return (
            f"'npusim sweep-merge --skip-damaged NEW {self.path}' saves all others, and the same "
            "sweep with --store NEW goes on from them"
        )

    def _stated(self) -> About | None:
        """What the file says that it is; None if it is empty."""
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            return None
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise self._refusal("is a database, but not a store of a sweep")
        stated = dict(self._database.execute("SELECT name, value FROM about"))
        if stated.pop("schema", None) != SCHEMA:
            raise self._refusal(f"has another format than this npusim's {SCHEMA}")
        if stated.pop("checksum", None) != _seal(stated):
            raise self._refusal("does not say which space it is of: it is damaged")
        values = {name: json.loads(value) for name, value in stated.items()}
        listed: dict[str, Any] = {
            n: tuple(v) if isinstance(v, list) else v for n, v in values.items()
        }
        return About(**listed)

    def _create(self, about: About) -> None:
        also = (" PRIMARY KEY", " NOT NULL UNIQUE", " NOT NULL")
        typed = zip_longest(about.columns, about.column_types, also, fillvalue="")
        columns = ", ".join(f"{_quoted(name)} {kind}{rule}" for name, kind, rule in typed)
        with self._transaction():
            if self._stated() is not None:
                return  # another process was faster
            self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._database.execute("CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)")
            self._database.execute(f"CREATE TABLE points ({columns}, checksum INTEGER)")
            stated = {name: json.dumps(value) for name, value in asdict(about).items()}
            rows = [("schema", SCHEMA), ("checksum", _seal(stated)), *stated.items()]
            self._database.executemany("INSERT INTO about VALUES (?, ?)", rows)

    def _check(self, about: About) -> None:
        if about.identity != self.about.identity:
            self.close()
            what = (
                f"holds another sweep: {difference(self.about, about)}; "
                "give another --store, or remove the file"
            )
            raise self._refusal(what)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What SQLite complains of, as a mistake with words for users."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "malformed" in text:
                what = f"is damaged ({text}): {self._rescue()}"
            elif "not a database" in text or "no such" in text:
                what = f"is damaged, or not a store of a sweep ({text}): remove it or restore it"
            elif "full" in text or "I/O" in text:
                what = f"can't be written ({text}); the rows that it has are safe: make room and "
                what += "run the same command again"
            elif "locked" in text:
                what = f"is being written by another process for more than {BUSY_SECONDS:g} s"
            else:
                what = f"can't be used: {text}"
            raise self._refusal(what) from None

    def _refusal(self, what: str) -> UsageError:
        return UsageError(Problem(self.path or "the temporary store", what))


def _seal(stated: Mapping[str, str]) -> str:
    """The checksum of what a file says that it is."""
    return str(checksum(sorted(map(repr, stated.items()))))


def _text(stored: bytes) -> str:
    """Text that may be damaged: then it has other characters, and another checksum."""
    return stored.decode("utf-8", "replace")


def _parts(numbers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """`numbers` in parts that one query can take."""
    for start in range(0, len(numbers), _READ_AT_ONCE):
        yield tuple(numbers[start : start + _READ_AT_ONCE])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
